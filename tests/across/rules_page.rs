//! docs/rules.md is true: its steps, its tables and its examples are put to the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use stoop_engine::syntax::{Source, SyntaxError, Table};
use stoop_engine::{Bounds, Input, Pipeline, Receipt, RuleReader, RuleSet, RuleSetError, Universe};
use stoop_model::{Decision, DecisionKind, Evidence, Side};
use stoop_tape::Frames;
use stoop_tests::{fixture, workspace};

fn page() -> String {
    std::fs::read_to_string(workspace("docs/rules.md")).expect("docs/rules.md is there")
}

/// What stands under a heading, up to the next one of its level or above.
fn section<'p>(page: &'p str, heading: &str) -> &'p str {
    let head = format!("\n{heading}\n");
    let (_, rest) = page.split_once(&head).unwrap_or_else(|| panic!("docs/rules.md has no {heading:?}"));
    let level = heading.chars().take_while(|sign| *sign == '#').count();
    let ends = (1..=level).filter_map(|level| rest.find(&format!("\n{} ", "#".repeat(level))));
    &rest[..ends.min().unwrap_or(rest.len())]
}

/// A part of the page that is not prose.
#[derive(Debug)]
enum Part<'p> {
    /// What stands between fences, with the name behind the first.
    Block(&'p str, String),
    /// A table, row by row, its head first.
    Rows(Vec<Vec<&'p str>>),
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    let mut lines = text.lines();
    let mut goes_on = false;
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("```") {
            let block = lines.by_ref().take_while(|line| *line != "```").collect::<Vec<_>>().join("\n");
            parts.push(Part::Block(name, block));
        }
        let row = line.strip_prefix("| ").and_then(|row| row.strip_suffix(" |"));
        match (row, parts.last_mut()) {
            (Some(row), Some(Part::Rows(rows))) if goes_on => rows.push(cells(row)),
            (Some(row), _) => parts.push(Part::Rows(vec![cells(row)])),
            (None, _) => {}
        }
        goes_on = row.is_some();
    }
    parts
}

fn cells(row: &str) -> Vec<&str> {
    row.split(" |").map(str::trim).collect()
}

/// The rows of the one table of a section that has this head, without the head and the line below it.
fn rows<'p>(page: &'p str, heading: &str, head: &[&str]) -> Vec<Vec<&'p str>> {
    let is_it = |part: Part<'p>| match part {
        Part::Rows(rows) if rows.first().is_some_and(|row| row == head) => Some(rows),
        Part::Rows(_) | Part::Block(..) => None,
    };
    let found = parts(section(page, heading)).into_iter().find_map(is_it);
    found.unwrap_or_else(|| panic!("no table {head:?} in {heading:?}")).split_off(2)
}

/// A text as a table writes it, between backticks.
fn text_of(cell: &str) -> String {
    let text = cell.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
    let text = text.unwrap_or_else(|| panic!("no backticks around {cell:?}")).replace('⏎', "\n");
    let mut parts = text.split("\\u");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at(4);
        let letter = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
        plain.push(letter.unwrap_or_else(|| panic!("no character {code:?} in {cell:?}")));
        plain.push_str(rest);
    }
    plain
}

/// Rules, or their mistakes, and the warnings.
fn read(rules: &str, universe: Option<&str>) -> (Result<RuleSet, RuleSetError>, Vec<SyntaxError>) {
    let parse =
        |text: &str| Universe::parse("universe.csv", text).unwrap_or_else(|errors| panic!("{errors:?}"));
    let source = Source { name: "rules.md".to_owned(), text: rules.to_owned() };
    let parsed = source.parse().unwrap_or_else(|error| panic!("{error}\n{rules}"));
    let mut reader = RuleReader::default();
    reader.universe(universe.map(|text| Arc::new(parse(text))));
    reader.read(&Table::root(&source, &parsed));
    let warnings = reader.take_warnings();
    (RuleSet::new(reader), warnings)
}

fn good(rules: &str, universe: Option<&str>) -> RuleSet {
    read(rules, universe).0.unwrap_or_else(|error| panic!("{error}\n{rules}"))
}

/// What the rules decide on one post.
fn decide(rules: RuleSet, text: &str) -> Vec<Decision> {
    let frame = serde_json::json!({"v": 1, "t": "tweet", "op": "content", "ts": 1_781_095_200_123_i64,
        "d": {"tweetId": "2064689031777615872", "text": text, "author": {"handle": "@example_exchange_news"}}});
    let mut pipeline = Pipeline::new(rules, Bounds::default(), 0);
    let mut decisions = Vec::new();
    pipeline.handle(&Input::frame(frame.to_string(), Receipt::Sent), &mut decisions);
    assert_eq!(pipeline.intake.counters().bad_frames(), 0, "{text}");
    decisions
}

/// The example posts: the first line of each, by id, in the order of their arrival.
fn first_lines() -> Vec<(String, String)> {
    let mut frames =
        Frames::open([fixture("frames/first-rule.jsonl")], Bounds::default().limits).expect("it opens");
    let (mut line, mut posts) = (Vec::new(), Vec::new());
    while frames.next(&mut line).expect("it reads").is_some() {
        let frame: serde_json::Value = serde_json::from_slice(&line).expect("a frame is JSON");
        if frame["op"] == "content" {
            let text = frame["d"]["text"].as_str().expect("a post has a text");
            let id = frame["d"]["tweetId"].as_str().expect("a post has an id").to_owned();
            posts.push((id, text.lines().next().unwrap_or_default().to_owned()));
        }
    }
    posts
}

/// Decisions on the example posts by id, as the page writes them.
fn decide_on_examples(rules: RuleSet) -> BTreeMap<String, Vec<String>> {
    let bounds = Bounds::default();
    let mut frames = Frames::open([fixture("frames/first-rule.jsonl")], bounds.limits).expect("it opens");
    let mut pipeline = Pipeline::new(rules, bounds, frames.start_ns());
    let (mut line, mut decisions) = (Vec::new(), Vec::new());
    while frames.next(&mut line).expect("it reads").is_some() {
        pipeline.handle(&Input::frame(&line, Receipt::Sent), &mut decisions);
    }
    pipeline.handle(&Input::end(), &mut decisions);
    let mut by_post: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for decision in decisions.iter().filter(|decision| decision.kind != DecisionKind::Lapse) {
        let asset = decision.asset.as_ref().and_then(|asset| asset.symbol.as_deref()).unwrap_or("no asset");
        let reason = decision.reason.map_or(String::new(), |reason| format!(" ({})", reason.as_str()));
        assert!(decision.asset.is_some() || decision.rule.side == Side::Alert, "nothing to trade");
        let shown = format!("{} {asset}{reason}", decision.kind.as_str());
        by_post.entry(decision.tweet_id.to_string()).or_default().push(shown);
    }
    by_post
}

/// The keys of a rule as a reader of the page writes them down, step by step.
#[derive(Default)]
struct Keys(Vec<(String, String)>);

impl Keys {
    fn set(&mut self, block: &str) {
        for line in block.lines() {
            let (key, _) = line.split_once(" = ").unwrap_or_else(|| panic!("no key in {line:?}"));
            self.0.retain(|(known, _)| known != key);
            self.0.push((key.to_owned(), line.to_owned()));
        }
    }

    fn rule(&self) -> String {
        let lines: Vec<&str> = self.0.iter().map(|(_, line)| line.as_str()).collect();
        format!("[[rule]]\n{}", lines.join("\n"))
    }
}

#[test]
fn each_step_to_the_first_rule_decides_what_the_page_says() {
    let page = page();
    let posts = first_lines();
    let (mut keys, mut universe, mut steps, mut whole) = (Keys::default(), None, 0, None);
    let mut head = String::new();
    for part in parts(section(&page, "## A first rule, step by step")) {
        match part {
            Part::Block("toml", block) => match block.split_once("[[rule]]\n") {
                None if block.starts_with("[universe]") => head = block,
                Some((stated, _)) if steps > 0 => {
                    assert_eq!(stated.trim_end(), head, "the whole rule names its universe");
                    whole = Some(block);
                }
                Some((_, first)) => keys.set(first),
                None => keys.set(&block),
            },
            Part::Block("csv", block) => universe = Some(block),
            Part::Block(..) => {}
            Part::Rows(rows) => {
                let is_list = rows[0] == ["#", "First line of the post", "Worth knowing"];
                assert!(is_list || rows[0] == ["#", "Post", "Decisions"], "{:?}", rows[0]);
                let decided = (!is_list).then(|| decide_on_examples(good(&keys.rule(), universe.as_deref())));
                for row in &rows[2..] {
                    let number: usize = row[0].parse().unwrap_or_else(|error| panic!("{row:?}: {error}"));
                    let (id, first_line) = &posts[number - 1];
                    let shown = text_of(row[1]);
                    let is_it = shown.strip_suffix('…').is_some_and(|start| first_line.starts_with(start));
                    assert!(is_it && !is_list || shown == *first_line, "post {number}: {shown}");
                    let Some(decided) = &decided else { continue };
                    let found = decided.get(id).map_or("nothing".to_owned(), |lines| lines.join(", "));
                    assert_eq!(found, row[2], "post {number} with\n{}", keys.rule());
                }
                assert!(!is_list || rows.len() == posts.len() + 2, "the list has every post");
                steps += usize::from(!is_list);
            }
        }
    }
    assert_eq!(steps, 13, "steps with a table");
    let whole = whole.expect("the page shows the whole rule");
    let hash = |rule: &str| good(rule, universe.as_deref()).rules()[0].label.hash;
    assert_eq!(hash(&whole), hash(&keys.rule()), "the whole rule is what the steps come to");
    // Nothing that the page does not speak of, either.
    let all: Vec<String> =
        decide_on_examples(good(&whole, universe.as_deref())).into_values().flatten().collect();
    let opened: Vec<&str> = all.iter().filter_map(|line| line.strip_prefix("open ")).collect();
    assert_eq!(opened, ["EDGE", "FLUX", "OAK", "no asset"]);
}

#[test]
fn the_frames_of_a_post_of_your_own_live_a_whole_life() {
    let page = page();
    let block = |heading, name| {
        let is_it = |part: Part<'_>| match part {
            Part::Block(of, block) if of == name => Some(block),
            Part::Block(..) | Part::Rows(_) => None,
        };
        parts(section(&page, heading)).into_iter().find_map(is_it).expect(heading)
    };
    let universe = block("### Step 12: only what you can trade", "csv");
    let rules = good(&block("### The whole rule", "toml"), Some(&universe));
    let (mut pipeline, mut decisions) = (Pipeline::new(rules, Bounds::default(), 0), Vec::new());
    for frame in block("## Write a post of your own", "json").lines() {
        pipeline.handle(&Input::frame(frame, Receipt::Sent), &mut decisions);
    }
    assert_eq!(pipeline.intake.counters().bad_frames(), 0);
    let kinds: Vec<DecisionKind> = decisions.iter().map(|decision| decision.kind).collect();
    assert_eq!(kinds, [DecisionKind::Open, DecisionKind::Revise]);
}

/// The universe that the page states for its table of texts.
fn stated_universe(page: &str) -> String {
    let is_csv = |part| match part {
        Part::Block("csv", block) => Some(block),
        Part::Block(..) | Part::Rows(_) => None,
    };
    parts(section(page, "### What is found in a text"))
        .into_iter()
        .find_map(is_csv)
        .expect("a universe is stated")
}

#[test]
fn each_form_finds_in_each_text_what_the_page_says() {
    const FORMS: [&str; 5] = ["ticker", "pair", "parentheses", "listed", "capitals"];
    let page = page();
    let universe = stated_universe(&page);
    let head = ["Text", FORMS[0], FORMS[1], FORMS[2], FORMS[3], FORMS[4]];
    let rows = rows(&page, "### What is found in a text", &head);
    let mut found_in: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &rows {
        for (form, expect) in FORMS.iter().zip(&row[1..]) {
            let rule =
                format!("[[rule]]\nname = \"r\"\nassets = {{ tokens = true, written = [\"{form}\"] }}");
            let decisions = decide(good(&rule, Some(&universe)), &text_of(row[0]));
            let symbol = |decision: &Decision| {
                assert_eq!(decision.evidence.map(Evidence::as_str), Some(*form));
                decision.asset.as_ref().and_then(|asset| asset.symbol.clone()).unwrap_or_default()
            };
            let symbols: Vec<String> = decisions.iter().map(symbol).collect();
            assert_eq!(symbols.join(" "), **expect, "{form} in {}", row[0]);
            *found_in.entry(form).or_default() += usize::from(!symbols.is_empty());
        }
    }
    assert!(rows.len() >= 30, "{} rows", rows.len());
    for form in FORMS {
        let found = found_in.get(form).copied().unwrap_or_default();
        assert!(found >= 3 && found <= rows.len() / 2, "{form} is found in {found} of {} texts", rows.len());
    }
}

#[test]
fn each_term_is_found_where_the_page_says() {
    let page = page();
    let rows = rows(&page, "### Words and boundaries", &["Term", "Text", "Found"]);
    for row in &rows {
        let rule = format!("[[rule]]\nname = \"r\"\nany = [{:?}]", text_of(row[0]));
        let is_found = !decide(good(&rule, None), &text_of(row[1])).is_empty();
        assert_eq!(if is_found { "yes" } else { "no" }, row[2], "{} in {}", row[0], row[1]);
    }
    assert!(rows.len() >= 20, "{} rows", rows.len());
}

/// Keys with their examples. Each is an item of a list: the key in bold, its default in parentheses, what it does, and
/// the example at the end.
fn keys(text: &str) -> Vec<(&str, String)> {
    let mut keys: Vec<(&str, String)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("- **`"), keys.last_mut()) {
            (Some(item), _) => {
                let (key, rest) =
                    item.split_once("`** (").unwrap_or_else(|| panic!("no default in {line:?}"));
                keys.push((key, rest.to_owned()));
            }
            (None, Some((_, item))) if line.starts_with("  ") => {
                item.push(' ');
                item.push_str(line.trim());
            }
            (None, _) => {}
        }
    }
    for (key, item) in &mut keys {
        let example = item.split_once("Example: ").map(|(_, example)| text_of(example));
        *item = example.unwrap_or_else(|| panic!("no example of {key}"));
    }
    keys
}

#[test]
fn every_key_is_on_the_page_with_an_example_that_is_valid() {
    let page = page();
    let universe = stated_universe(&page);
    let (mut of_rules, mut of_assets): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for (key, example) in keys(section(&page, "## Every key")) {
        let is_of_assets = !example.starts_with(&format!("{key} = "));
        let list = if is_of_assets { &mut of_assets } else { &mut of_rules };
        list.push(key);
        assert!(example.contains(&format!("{key} = ")), "{key}: {example}");
        let mut keys = Keys::default();
        keys.set("name = \"r\"\nassets = { tokens = true }\ncooldown = \"1h\"");
        if key == "emit" {
            keys.0.retain(|(key, _)| key != "assets");
        }
        keys.set(&example);
        let (rules, warnings) = read(&keys.rule(), Some(&universe));
        rules.unwrap_or_else(|error| panic!("{key}: {error}"));
        let is_of_waiting = ["wait", "on_timeout"].contains(&key);
        assert_eq!(warnings.is_empty(), !is_of_waiting, "{key}: {warnings:?}");
    }
    // The error for a key nobody would write lists all that are known.
    let known = |table: &str| -> Vec<String> {
        let error = read(table, None).0.map(|_| ()).expect_err(table).to_string();
        let (_, list) = error.split_once("known here: ").expect("the error lists the keys");
        list.split(", ").map(str::to_owned).collect()
    };
    let sorted = |mut list: Vec<String>| -> Vec<String> {
        list.sort();
        list
    };
    let owned = |list: Vec<&str>| sorted(list.into_iter().map(str::to_owned).collect());
    assert_eq!(owned(of_rules), sorted(known("[[rule]]\nname = \"a\"\nqqqqqqqqqq = 1")));
    assert_eq!(owned(of_assets), sorted(known("[[rule]]\nname = \"a\"\nassets = { qqqqqqqqqqqq = 1 }")));
}

#[test]
fn mistakes_and_warnings_are_what_the_page_calls_them() {
    let page = page();
    let rows = rows(&page, "### Mistakes and warnings", &["In a rule", "Result"]);
    for row in &rows {
        let (rules, warnings) = read(&format!("[[rule]]\nname = \"r\"\n{}", text_of(row[0])), None);
        match row[1].split(':').next() {
            Some("error") => assert!(rules.is_err(), "{} is valid", row[0]),
            Some("warning") => assert!(rules.is_ok() && warnings.len() == 1, "{}: {warnings:?}", row[0]),
            other => panic!("{other:?} is neither"),
        }
    }
    assert!(rows.len() >= 20, "{} rows", rows.len());
}

#[test]
fn rules_on_the_page_are_valid() {
    let page = page();
    let universe = stated_universe(&page);
    let mut count = 0;
    for part in parts(&page) {
        if let Part::Block("toml", block) = part
            && (block.contains("[[rule]]") || block.contains("[[alias]]"))
        {
            let (rules, warnings) = read(&block, Some(&universe));
            assert!(rules.is_ok() && warnings.is_empty(), "{block}\n{warnings:?}");
            count += 1;
        }
    }
    assert!(count >= 4, "{count} blocks");
}
