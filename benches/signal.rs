//! Views to decisions: the starter rules, a rule that matches, coins in every form, many rules, many terms.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use criterion::{BatchSize, Criterion, Throughput};
use stoop_benches::environment;
use stoop_benches::input::{Input, rules};
use stoop_engine::syntax::{Source, Table};
use stoop_engine::{
    Bounds, Element, Intake, Keeping, Merge, Merged, Origin, Receipt, RuleReader, RuleSet, Signal, Stamp,
    Universe, Window,
};

const HOUR_NS: i64 = 3_600_000_000_000;

/// Frames whose views are kept. At work a view has just been joined and is in the cache; those of a whole day, some
/// 20 MB, would not be, and the bench would measure the memory.
const KEPT_FRAMES: usize = 512;

/// Terms that posts hold, beside those that none does.
const FOUND_TERMS: usize = 5;

/// What an exchange says of a coin.
const VERBS: [&str; 10] = [
    "will list",
    "to list",
    "lists",
    "now listed",
    "will delist",
    "launches",
    "will open trading for",
    "burns",
    "buys",
    "partners with",
];

fn main() {
    environment::print();
    let mut criterion = stoop_benches::criterion();
    let input = Input::day().announced();
    let fresh = Views::of(&input, 0);
    starter(&mut criterion, &fresh);
    vendor_routing(&mut criterion, &fresh);
    for count in [1, 10, 100] {
        many_rules(&mut criterion, &fresh, count);
    }
    let old = Views::of(&input, HOUR_NS);
    written(&mut criterion, &old);
    for count in [10, 100, 1000] {
        many_terms(&mut criterion, &old, count);
    }
    criterion.final_summary();
}

/// What the merge made of each frame, kept as it was at that moment.
struct Views {
    views: Vec<(Stamp, Vec<Merged>)>,
    /// They are of known frames, so that what comes of them is known.
    is_known: bool,
}

impl Views {
    /// Of frames that come so much later than they were sent.
    fn of(input: &Input, late_ns: i64) -> Self {
        let mut intake = Intake::new(Bounds::default(), 0);
        let mut merge = Merge::new(Window::default());
        let mut views = Vec::new();
        for frame in input.frames.iter().take(KEPT_FRAMES) {
            intake.frame(Origin::Endpoint(0), frame, Receipt::Sent, |stamp, element| {
                let Element::Event(event) = element else { return };
                let stamp = Stamp { now_ns: stamp.now_ns + late_ns, ..stamp };
                let mut merged = Vec::new();
                merge.handle(event, stamp, &mut merged);
                views.push((stamp, merged));
            });
        }
        Self { views, is_known: input.is_known }
    }

    /// Puts all through; returns the number of decisions.
    fn through(&self, signal: &mut Signal) -> usize {
        let mut decisions = Vec::new();
        for (stamp, merged) in &self.views {
            signal.handle(merged, *stamp, &mut decisions);
        }
        decisions.len()
    }

    /// Bodies of the tested views, as often as they are tested.
    fn texts(&self) -> Vec<&str> {
        let all = self.views.iter().flat_map(|(_, merged)| merged);
        let changed = all.filter_map(|merged| match merged {
            Merged::Changed(change) if change.view.content.is_some() && !change.view.deleted => Some(change),
            Merged::Changed(_) | Merged::Left { .. } | Merged::Named(_) => None,
        });
        changed.filter_map(|change| change.view.post().text()).collect()
    }
}

fn parsed(text: &str) -> Signal {
    let rules = RuleSet::parse("bench", text).unwrap_or_else(|error| panic!("{error}"));
    Signal::new(rules, Keeping::default())
}

/// Rules of which none matches leave no trace, so one signal sees the same views again and again. Of frames that are
/// not known, what is decided is decided the first time.
fn without_match(criterion: &mut Criterion, case: &str, views: &Views, mut signal: Signal) {
    let mut group = criterion.benchmark_group(format!("signal/{case}"));
    let decided = views.through(&mut signal);
    assert!(decided == 0 || !views.is_known, "{decided} decisions");
    let tested = signal.counters().tested;
    assert!(tested > 0, "views are tested");
    group.throughput(Throughput::Elements(tested));
    group.bench_function("ours", |bencher| bencher.iter(|| views.through(&mut signal)));
    group.finish();
}

fn starter(criterion: &mut Criterion, views: &Views) {
    without_match(criterion, "starter", views, Signal::new(rules("starter"), Keeping::default()));
}

/// A new signal each time, for decisions are remembered.
fn vendor_routing(criterion: &mut Criterion, views: &Views) {
    let mut group = criterion.benchmark_group("signal/vendor_routing");
    let new = || Signal::new(rules("vendor-routing"), Keeping::default());
    let decided = views.through(&mut new());
    assert!(decided > 0 || !views.is_known, "the rule matches");
    group.throughput(Throughput::Elements(views.texts().len() as u64));
    group.bench_function("ours", |bencher| {
        bencher.iter_batched_ref(
            new,
            |signal| assert_eq!(views.through(signal), decided),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

/// Coins sought in every post in every form, with and without a universe of 50,000 rows. The rule asks for posts
/// younger than these are, so that they are looked at and nothing is decided.
fn written(criterion: &mut Criterion, views: &Views) {
    let forms = |more: &str| {
        format!(
            "[[rule]]\nname = \"written\"\nmax_age = \"1s\"\nassets = {{ tokens = true, \
             written = [\"ticker\", \"pair\", \"parentheses\", \"capitals\"{more}] }}\n"
        )
    };
    without_match(criterion, "written/no_universe", views, parsed(&forms("")));
    let mut rows = String::from("symbol,venue,market\n");
    for number in 0..50_000_u32 {
        let letters = [number / 2704, number / 52, number].map(|digit| char::from(b'A' + (digit % 26) as u8));
        let symbol: String = letters.into_iter().chain(number.to_string().chars()).collect();
        writeln!(rows, "{symbol},binance,{symbol}USDT").expect("a String takes every text");
    }
    let universe = Universe::parse("universe.csv", &rows).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let source = Source { name: "bench".to_owned(), text: forms(", \"listed\"") };
    let parsed = source.parse().unwrap_or_else(|error| panic!("{error}"));
    let mut reader = RuleReader::default();
    reader.universe(Some(Arc::new(universe)));
    reader.read(&Table::root(&source, &parsed));
    let rules = RuleSet::new(reader).unwrap_or_else(|error| panic!("{error}"));
    without_match(criterion, "written/universe_50000", views, Signal::new(rules, Keeping::default()));
}

/// Rules that everyone's posts are tested on, with terms of their own.
fn many_rules(criterion: &mut Criterion, views: &Views, count: usize) {
    let mut text = String::new();
    for (rule, terms) in invented().collect::<Vec<_>>().chunks(3).take(count).enumerate() {
        let written =
            write!(text, "[[rule]]\nname = \"{rule}\"\nany = {terms:?}\nassets = {{ tokens = true }}\n");
        written.expect("a String takes every text");
    }
    without_match(criterion, &format!("rules_{count}"), views, parsed(&text));
}

/// One rule with many terms, five of which are words of the posts. It asks for posts younger than these are, so that
/// the terms are sought and nothing is decided; what is found is counted as stale.
fn many_terms(criterion: &mut Criterion, views: &Views, count: usize) {
    let texts = views.texts();
    let words = words(&texts);
    let found = words.iter().take(FOUND_TERMS).cloned();
    let terms: Vec<String> = found.chain(invented()).take(count).collect();
    assert_eq!(terms.len(), count, "the posts have words enough");
    let kinds = r#"["post", "quote", "self_reply", "reply", "retweet"]"#;
    let rule = format!(
        "[[rule]]\nname = \"terms\"\nkinds = {kinds}\nany = {terms:?}\nin = [\"text\"]\n\
         match = \"substring\"\nmax_age = \"1s\"\n"
    );
    let mut signal = parsed(&rule);
    // This way of matching is the only one that has a vectorised search before the automaton.
    let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(&terms);
    let automaton = automaton.expect("so many terms fit an automaton");

    let naive = |text: &str| {
        let text = text.to_lowercase();
        terms.iter().any(|term| text.contains(term.as_str()))
    };
    let decided = views.through(&mut signal);
    assert!(decided == 0 || !views.is_known, "{decided} decisions");
    let holding = texts.iter().filter(|text| naive(text)).count();
    // Ours folds more than case and leaves out URLs and handles: only of texts that are known both find the same.
    let found = signal.counters().stale;
    assert!(found == holding as u64 && found > 0 || !views.is_known, "{found} found, {holding} there");

    let mut group = criterion.benchmark_group(format!("signal/terms_{count}"));
    group.throughput(Throughput::Elements(texts.len() as u64));
    group.bench_function("ours", |bencher| bencher.iter(|| views.through(&mut signal)));
    group.bench_function("automaton", |bencher| {
        bencher.iter(|| texts.iter().filter(|text| automaton.is_match(&text.to_lowercase())).count());
    });
    group.bench_function("contains", |bencher| {
        bencher.iter(|| texts.iter().filter(|text| naive(text)).count());
    });
    group.finish();
}

/// Terms that no generated post holds: ten verbs and 1,000 names of coins that begin as real ones do.
fn invented() -> impl Iterator<Item = String> {
    let letters = || "aeioubdklm".chars();
    let names = letters().flat_map(move |a| letters().flat_map(move |b| letters().map(move |c| [a, b, c])));
    names.enumerate().map(|(index, [a, b, c])| format!("{} {a}{b}{c}q", VERBS[index % VERBS.len()]))
}

/// Lower-case words that stand in posts between spaces and in no URL or handle, rare ones first: the terms of rules are
/// rare words.
fn words(texts: &[&str]) -> Vec<String> {
    let mut counts = BTreeMap::<&str, usize>::new();
    let all = || texts.iter().flat_map(|text| text.split_whitespace());
    for word in all().filter(|word| word.len() >= 6 && word.bytes().all(|byte| byte.is_ascii_lowercase())) {
        *counts.entry(word).or_default() += 1;
    }
    let cut: Vec<&str> = all().filter(|word| word.contains("://") || word.contains('@')).collect();
    let mut words: Vec<_> = counts.into_iter().map(|(word, count)| (count, word)).collect();
    words.retain(|(_, word)| !cut.iter().any(|cut| cut.contains(word)));
    words.sort_unstable();
    words.into_iter().map(|(_, word)| word.to_owned()).collect()
}
