//! Authors that were worth following, by what was known at the time.

use std::collections::{BTreeMap, BinaryHeap};

use serde::Serialize;

use super::sample::Point;
use crate::average::mean;
use crate::findings::Findings;

/// Average outcomes that are added to those of each author: with few of their own, the score stays near the mean.
const PRIOR: f64 = 10.0;

/// The worth of an author's posts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuthorRow {
    /// Handle.
    pub author: String,
    /// Outcomes of all rules.
    pub outcomes: usize,
    /// Mean after costs.
    pub net_mean: f64,
    /// The same, drawn to the mean of all authors: ten outcomes of that mean are added.
    pub net_mean_shrunk: f64,
    /// Share of outcomes above 0 after costs.
    pub hit_rate: f64,
}

/// All authors, and whether following them by their past would have helped.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Scoreboard {
    /// From entry to exit, ms.
    pub horizon_ms: i64,
    /// The best first, by shrunk mean.
    pub authors: Vec<AuthorRow>,
    /// Outcomes of authors whose score at the entry, from outcomes that were over by then, was above 0.
    pub followed: usize,
    /// Their mean after costs.
    pub followed_net_mean: Option<f64>,
    /// Outcomes of the others.
    pub passed_over: usize,
    /// Their mean after costs.
    pub passed_over_net_mean: Option<f64>,
}

/// Sum and count.
#[derive(Clone, Copy, Default)]
struct Tally {
    sum: f64,
    count: f64,
}

impl Tally {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1.0;
    }

    /// Its mean after [`PRIOR`] values of `prior` have been added.
    fn shrunk(self, prior: f64) -> f64 {
        (self.sum + PRIOR * prior) / (self.count + PRIOR)
    }

    fn mean(self) -> f64 {
        if self.count > 0.0 { self.sum / self.count } else { 0.0 }
    }
}

/// Scores authors over the main horizon.
pub(super) fn scoreboard(findings: &Findings) -> Scoreboard {
    let horizon_ms = findings.main_ms;
    let mut nets: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut all = Tally::default();
    // An outcome is known from its exit on. Until then it waits, in order of time.
    let mut known: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut known_all = Tally::default();
    let mut waiting: BinaryHeap<(std::cmp::Reverse<(i64, usize)>, &str)> = BinaryHeap::new();
    let (mut followed, mut passed_over) = (Vec::new(), Vec::new());
    let rows = findings.outcomes.iter().enumerate().filter(|(_, outcome)| outcome.horizon_ms == horizon_ms);
    for (place, outcome) in rows {
        let event = &findings.events[outcome.event];
        let (Some(point), Some(exit)) = (Point::of(event, outcome), outcome.exit) else { continue };
        let net_of = |place: usize| {
            let outcome = &findings.outcomes[place];
            Point::of(&findings.events[outcome.event], outcome).map_or(0.0, |point| point.net)
        };
        while let Some((std::cmp::Reverse((over_ns, over)), author)) = waiting.peek().copied() {
            // An outcome counts only once its exit has passed: a score must not know the future.
            if over_ns > event.decision.decided_ns {
                break;
            }
            waiting.pop();
            known.entry(author).or_default().add(net_of(over));
            known_all.add(net_of(over));
        }
        let author = event.decision.author.as_deref().unwrap_or("none");
        // Drawn to the mean, so that an author with one lucky post does not lead the table.
        let score = known.get(author).copied().unwrap_or_default().shrunk(known_all.mean());
        if score > 0.0 {
            followed.push(point.net);
        } else {
            passed_over.push(point.net);
        }
        waiting.push((std::cmp::Reverse((exit.at_ns, place)), author));
        nets.entry(author).or_default().push(point.net);
        all.add(point.net);
    }
    let prior = all.mean();
    let mut authors: Vec<AuthorRow> = nets
        .into_iter()
        .map(|(author, nets)| AuthorRow {
            author: author.to_owned(),
            outcomes: nets.len(),
            net_mean: mean(&nets).unwrap_or_default(),
            net_mean_shrunk: Tally { sum: nets.iter().sum(), count: nets.len() as f64 }.shrunk(prior),
            hit_rate: nets.iter().filter(|net| **net > 0.0).count() as f64 / nets.len() as f64,
        })
        .collect();
    authors.sort_by(|a, b| {
        // Ties by name: the order must not depend on anything else.
        b.net_mean_shrunk.total_cmp(&a.net_mean_shrunk).then_with(|| a.author.cmp(&b.author))
    });
    Scoreboard {
        horizon_ms,
        authors,
        followed: followed.len(),
        followed_net_mean: mean(&followed),
        passed_over: passed_over.len(),
        passed_over_net_mean: mean(&passed_over),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Settings;
    use crate::made_up::{MINUTE_NS, NOON_NS, decision, with};
    use crate::prices::Prices;
    use crate::study::Study;

    #[test]
    fn a_score_knows_only_what_was_over_by_then() {
        let folder = tempfile::tempdir().expect("a folder");
        let rows = (0..200).map(|minute| {
            let at_ms = (NOON_NS + minute * MINUTE_NS) / 1_000_000;
            let price = 100 + 10 * minute;
            format!("{at_ms},{price},{price},{price},{price},1,{},0,0,0,0,0\n", at_ms + 59_999)
        });
        std::fs::write(folder.path().join("UPUSDT.csv"), rows.collect::<String>()).expect("a file");
        let mut study = Study::default();
        // The second comes before the first is over; the third after, and is the first that is followed.
        for (number, minute) in [(1, 0), (2, 3), (3, 5), (4, 20)] {
            let author = if number == 4 { "fixture_somebody_else" } else { "fixture_author_of_posts" };
            study
                .add(&with(&decision(number, minute * 60_000), |body| body.author = Some(author.to_owned())));
        }
        let names = crate::SeriesNames::new([("rule:test".to_owned(), "UPUSDT".to_owned())]);
        let settings = Settings { horizons_ms: vec![300_000], names, ..Settings::default() };
        let found = study.measure(settings, &Prices::open(folder.path()).expect("prices")).expect("findings");
        let board = scoreboard(&found);
        // The other author has no past, so the mean of all is the score.
        assert_eq!((board.followed, board.passed_over), (2, 2));
        assert_eq!(board.authors.iter().map(|row| row.outcomes).collect::<Vec<_>>(), [3, 1]);
        assert!(board.authors[0].net_mean_shrunk < board.authors[0].net_mean);
    }
}
