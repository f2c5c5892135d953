//! The vendor's history: what it has of the story, and how it answers.

use stoop_wire::HistoryRow;

use super::dice::{MILLI, SECOND};
use super::story::Part;
use super::world::{Happening, World};
use crate::connection::pump::{Answer, Span};

/// How history answers a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// With all it has.
    Whole,
    /// With every row twice, and with rows that were not asked for.
    Repeating,
    /// Without some rows, and says so.
    Part,
    /// Not now.
    Silent,
    /// With an error.
    Failing,
    /// The plan has none.
    Refusing,
}

impl World {
    pub(super) fn ask_history(&mut self, gap: Span) {
        let process = self.process;
        let longest_ns = self.dice.pick(&[SECOND / 10, SECOND / 10, 20 * SECOND]);
        let answer_ns = self.now_ns + self.dice.between(10 * MILLI, longest_ns);
        self.book(answer_ns, Happening::Answer { process, gap });
    }

    pub(super) fn answer(&mut self, gap: Span) {
        let mood = self.dice.pick(&self.scenario.moods);
        self.note(|| format!("history is {mood:?}"));
        let answer = match mood {
            Mood::Whole => Answer::Rows { rows: self.rows(gap.first_ms(), gap.last_ms()), missing: None },
            Mood::Repeating => {
                let early = self.rows(gap.first_ms() - 3_600_000, gap.last_ms());
                let rows = early.iter().flat_map(|row| [row.clone(), row.clone()]).collect();
                Answer::Rows { rows, missing: None }
            }
            Mood::Part => {
                let mut rows = self.rows(gap.first_ms(), gap.last_ms());
                rows.retain(|_| self.dice.chance(50));
                Answer::Rows { rows, missing: Some("more than 200 pages".to_owned()) }
            }
            Mood::Silent => Answer::Silent("503".to_owned()),
            Mood::Failing => Answer::Failed("what it says cannot be read".to_owned()),
            Mood::Refusing => Answer::NotInPlan,
        };
        self.ledger.answered(&answer, gap.first_ms());
        self.client.answer = Some(answer);
    }

    /// What was sent in a time, as it stands now, oldest first.
    fn rows(&self, first_ms: i64, last_ms: i64) -> Vec<HistoryRow> {
        let sent = &self.story[..self.sent];
        let mut rows: Vec<HistoryRow> = Vec::new();
        let mut tweets = Vec::new();
        for frame in sent.iter().filter(|frame| frame.part == Part::Content) {
            let time_ms = frame.at_ns / MILLI;
            if (first_ms..=last_ms).contains(&time_ms) && !tweets.contains(&frame.tweet) {
                tweets.push(frame.tweet);
                let is_meta =
                    |other: &&super::story::Sent| other.part == Part::Meta && other.tweet == frame.tweet;
                rows.push(HistoryRow {
                    index: rows.len(),
                    message_type: stoop_wire::MessageType::Tweet,
                    time_ms,
                    content: frame.bytes.to_vec(),
                    meta: sent.iter().rfind(is_meta).map(|meta| meta.bytes.to_vec()),
                    fingerprint: 0,
                });
            }
        }
        rows
    }
}
