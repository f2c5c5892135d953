//! What strategies decide: their answers, their memory, what comes from outside, and what a panic leaves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use stoop_engine::{
    Bounds, Case, Command, Input, Judgement, Message, RuleReader, RuleSet, Strategy, Window, syntax,
};
use stoop_model::TweetId;

use super::{Row, Run, ZERO_MS, nanos};

/// Judges by a function.
struct By<F>(&'static str, F);

impl<F: FnMut(&Case<'_>) -> Judgement + Send> Strategy for By<F> {
    fn rule(&self) -> String {
        self.0.to_owned()
    }

    fn judge(&mut self, case: &Case<'_>) -> Judgement {
        (self.1)(case)
    }
}

/// Takes the tweets for which the outside has said yes.
#[derive(Default)]
struct Told {
    rule: &'static str,
    answers: BTreeMap<String, bool>,
}

impl Strategy for Told {
    fn rule(&self) -> String {
        self.rule.to_owned()
    }

    fn judge(&mut self, case: &Case<'_>) -> Judgement {
        match self.answers.get(&case.view.tweet_id.to_string()) {
            Some(true) => Judgement::Take,
            Some(false) | None => Judgement::Refuse,
        }
    }

    fn message(&mut self, message: &Message, _: i64) {
        assert_ne!(message.text, "panic", "asked to");
        if let Some(tweet) = &message.tweet {
            self.answers.insert(tweet.to_string(), message.text == "yes");
        }
    }
}

fn told(rule: &'static str) -> Told {
    Told { rule, ..Told::default() }
}

fn set(rules: &str, strategies: Vec<Box<dyn Strategy>>) -> RuleSet {
    let source = syntax::Source { name: "r.toml".to_owned(), text: rules.to_owned() };
    let parsed = source.parse().expect("the rules are TOML");
    let mut reader = RuleReader::default();
    reader.read(&syntax::Table::root(&source, &parsed));
    for strategy in strategies {
        reader.strategy(strategy);
    }
    RuleSet::new(reader).unwrap_or_else(|errors| panic!("{errors}"))
}

fn run(strategy: impl Strategy + 'static) -> Run {
    Run::of(set("", vec![Box::new(strategy)]), Bounds::default())
}

impl Run {
    fn tell(&mut self, at: f64, tweet: &str, text: &str) {
        let tweet = (!tweet.is_empty()).then(|| TweetId::parse(tweet));
        let message = Message { tweet, text: text.to_owned(), ..Message::default() };
        self.command(at, Command::Message(message));
    }

    fn command(&mut self, at: f64, command: Command) {
        let at_ns = ZERO_MS * 1_000_000 + nanos(at);
        self.pipeline.handle(&Input::command(command, at_ns), &mut self.decisions);
    }

    #[track_caller]
    fn expect(&mut self, inputs: &[Row<'_>], expect: &[&str]) {
        for input in inputs {
            self.put(*input);
        }
        assert_eq!(self.lines(), expect, "{inputs:#?}");
    }

    #[track_caller]
    fn end(&mut self, expect: &[&str]) {
        self.pipeline.handle(&Input::end(), &mut self.decisions);
        assert_eq!(self.lines(), expect);
    }
}

const TEXT: &str = r#"content "text":"$EDGE and $WIF""#;

#[test]
fn what_it_takes_opens_and_lives_like_a_rules_decision() {
    let mut run = run(By("name = \"r\"\nassets = { tokens = true }", |_: &Case<'_>| Judgement::Take));
    run.expect(&[(0.0, TEXT)], &["0 open ticker:EDGE content", "0 open ticker:WIF content"]);
    let meta = r#"meta "detected":{"tokens":[{"symbol":"EDGE","contract":"c1","chain":"solana"}]}"#;
    let expect = &["5 revise token:solana:c1 meta was ticker:EDGE", "5 cancel ticker:WIF meta unnamed"];
    run.expect(&[(5.0, meta)], expect);
    run.expect(&[(6.0, "delete")], &["6 cancel token:solana:c1 delete deleted"]);
    run.end(&[]);
}

#[test]
fn what_it_refuses_does_not_open_and_what_it_refuses_later_is_cancelled() {
    let mut asked = 0;
    let judge = move |_: &Case<'_>| {
        asked += 1;
        if asked == 2 { Judgement::Take } else { Judgement::Refuse }
    };
    let mut run = run(By("name = \"r\"", judge));
    run.expect(&[(0.0, TEXT)], &[]);
    run.expect(&[(1.0, r#"update "text":"a""#)], &["1 open - update"]);
    run.expect(&[(2.0, "meta")], &["2 cancel - meta no_match"]);
    run.end(&[]);
}

#[test]
fn what_it_keeps_stands_and_nothing_new_opens() {
    let judge =
        |case: &Case<'_>| if case.is_first_content { Judgement::Only(vec![0]) } else { Judgement::Keep };
    let mut run = run(By("name = \"r\"\nassets = { tokens = true }", judge));
    run.expect(&[(0.0, TEXT)], &["0 open ticker:EDGE content"]);
    run.expect(&[(1.0, r#"update "urls":[]"#)], &[]);
    let meta = r#"meta "detected":{"tokens":[{"symbol":"EDGE","contract":"c1"},{"symbol":"WIF"}]}"#;
    run.expect(&[(2.0, meta)], &["2 revise token:-:c1 meta was ticker:EDGE"]);
    let other = r#"meta "detected":{"tokens":[{"symbol":"EDGE","contract":"c2"}]}"#;
    run.expect(&[(3.0, other)], &["3 cancel token:-:c1 meta ambiguous"]);
    run.end(&[]);
}

#[test]
fn of_the_assets_only_those_it_names_are_decided_on() {
    let mut asked = 0;
    let judge = move |case: &Case<'_>| {
        asked += 1;
        let symbols: Vec<_> = case.assets().into_iter().filter_map(|asset| asset.symbol).collect();
        assert_eq!(symbols, ["EDGE", "WIF"]);
        Judgement::Only(match asked {
            1 => vec![1, 7],
            2 => vec![0, 1],
            _ => vec![0],
        })
    };
    let mut run = run(By("name = \"r\"\nassets = { tokens = true }", judge));
    run.expect(&[(0.0, TEXT)], &["0 open ticker:WIF content"]);
    run.expect(&[(1.0, r#"update "urls":[]"#)], &["1 open ticker:EDGE update"]);
    // Named in the text still, but not taken: the reason is not that the vendor left it out.
    run.expect(&[(2.0, r#"update "mentions":[]"#)], &["2 cancel ticker:WIF update no_match"]);
    run.end(&["3001 lapse ticker:EDGE timeout"]);
}

#[test]
fn of_the_markets_to_emit_only_those_it_names_are_decided_on() {
    let mut asked = 0;
    let judge = move |case: &Case<'_>| {
        assert_eq!(case.assets().len(), 2);
        asked += 1;
        if asked == 1 { Judgement::Only(vec![1]) } else { Judgement::Only(vec![0]) }
    };
    let mut run = run(By("name = \"r\"\nemit = [\"binance:AUSDT\", \"binance:BUSDT\"]", judge));
    run.expect(&[(0.0, TEXT)], &["0 open cex:binance:BUSDT content"]);
    let expect = &["1 cancel cex:binance:BUSDT meta no_match", "1 open cex:binance:AUSDT meta"];
    run.expect(&[(1.0, "meta")], expect);
    run.end(&[]);
}

#[test]
fn no_place_or_none_that_exists_is_a_refusal() {
    for places in [vec![], vec![2, 9]] {
        let judge = move |_: &Case<'_>| Judgement::Only(places.clone());
        run(By("name = \"r\"\nassets = { tokens = true }", judge)).expect(&[(0.0, TEXT)], &[]);
    }
    run(By("name = \"r\"", |_: &Case<'_>| Judgement::Only(vec![0]))).expect(&[(0.0, TEXT)], &[]);
}

#[test]
fn its_memory_lasts_from_tweet_to_tweet() {
    let mut posts: BTreeMap<String, u32> = BTreeMap::new();
    let judge = move |case: &Case<'_>| {
        let count = posts.entry(case.author.unwrap_or_default().to_owned()).or_default();
        *count += u32::from(case.is_first_content);
        if *count >= 3 { Judgement::Take } else { Judgement::Refuse }
    };
    let mut run = run(By("name = \"r\"\nfire = \"content\"", judge));
    let other = r#"content@4 "author":{"handle":"@Cd"}"#;
    let inputs = &[(0.0, "content@1"), (1.0, "content@2"), (2.0, "update@1"), (3.0, other)];
    run.expect(inputs, &[]);
    run.expect(&[(4.0, "content@3")], &["4 open - content"]);
}

#[test]
fn only_what_its_rule_lets_through_is_shown_to_it() {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&shown);
    let judge = move |case: &Case<'_>| {
        seen.lock().unwrap().push(format!("{} {}", case.view.tweet_id, case.trigger.as_str()));
        Judgement::Refuse
    };
    let mut run = run(By("name = \"r\"\nany = [\"doge\"]\nkinds = [\"post\"]", judge));
    run.expect(
        &[
            (0.0, r#"content@1 "text":"doge""#),
            (0.0, r#"content@2 "text":"cat""#),
            (1.0, r#"content@3 "text":"doge","kind":"quote""#),
            (2.0, "meta@1"),
            (3.0, r#"meta@2 "ocr":{"text":"a doge"}"#),
            (4.0, "meta@4"),
        ],
        &[],
    );
    assert_eq!(*shown.lock().unwrap(), ["1 content", "1 meta", "2 meta"]);
}

#[test]
fn a_word_from_outside_opens_and_cancels() {
    let mut run = run(told("name = \"r\""));
    run.expect(&[(0.0, TEXT)], &[]);
    run.tell(40.0, "7", "yes");
    let open = run.decisions.last().unwrap();
    assert_eq!((open.sent_ms, open.recv_ns), (None, ZERO_MS * 1_000_000 + nanos(40.0)));
    assert_eq!((open.basis.as_str(), open.decided_ns), ("content", open.recv_ns));
    run.expect(&[], &["40 open - external"]);
    run.tell(50.0, "7", "no");
    run.expect(&[], &["50 cancel - external no_match"]);
    run.end(&[]);
    assert_eq!(run.pipeline.signal.counters().messages, 2);
}

#[test]
fn deadlines_up_to_a_word_from_outside_fire_before_it() {
    let mut run = run(told("name = \"r\"\nsettle = \"10ms\""));
    run.tell(0.0, "7", "yes");
    run.expect(&[(1.0, TEXT)], &["1 open - content"]);
    run.tell(11.0, "7", "no");
    run.expect(&[], &["11 lapse - timeout", "11 cancel - external no_match"]);
}

#[test]
fn a_word_about_a_tweet_nobody_knows_or_about_none_decides_nothing() {
    let mut run = run(told("name = \"r\""));
    run.tell(0.0, "9", "yes");
    run.tell(0.0, "", "yes");
    run.expect(&[(1.0, "meta"), (2.0, "delete@3"), (2.0, "content@3")], &[]);
    run.tell(3.0, "7", "yes");
    run.tell(3.0, "3", "yes");
    run.expect(&[], &[]);
    run.expect(&[(5.0, "content")], &["5 open - content"]);
}

#[test]
fn a_word_about_a_tweet_beyond_the_window_counts_while_a_decision_stands() {
    let bounds = Bounds { window: Window { span_ns: nanos(100.0), tweets: 10 }, ..Bounds::default() };
    let mut run = Run::of(set("", vec![Box::new(told("name = \"r\""))]), bounds);
    run.tell(0.0, "7", "yes");
    run.expect(&[(1.0, "content"), (1.0, "content@8")], &["1 open - content"]);
    run.tell(200.0, "8", "yes");
    run.tell(200.0, "7", "no");
    run.expect(&[], &["200 cancel - external no_match"]);
    run.tell(201.0, "7", "yes");
    run.expect(&[], &[]);
}

#[test]
fn a_word_goes_to_every_platform_or_to_the_one_it_names() {
    for (platform, expect) in [(None, 2), (Some(stoop_model::Platform::TruthSocial), 1)] {
        let mut run = run(told("name = \"r\""));
        let truth = r#"content "author":{"handle":"@ab","platform":"truth_social"}"#;
        run.expect(&[(0.0, "content"), (0.0, truth)], &[]);
        let tweet = Some(TweetId::parse("7"));
        let message = Message { tweet, platform, text: "yes".to_owned(), ..Message::default() };
        run.command(1.0, Command::Message(message));
        assert_eq!(run.lines().len(), expect);
    }
}

#[test]
fn a_word_reaches_the_strategy_it_names_alone() {
    let strategies: Vec<Box<dyn Strategy>> =
        vec![Box::new(told("name = \"a\"")), Box::new(told("name = \"b\""))];
    let mut run = Run::of(set("", strategies), Bounds::default());
    run.expect(&[(0.0, "content")], &[]);
    let message = Message {
        strategy: Some("b".to_owned()),
        tweet: Some(TweetId::parse("7")),
        text: "yes".to_owned(),
        ..Message::default()
    };
    run.command(1.0, Command::Message(message));
    run.expect(&[(2.0, "meta")], &["1 open - external of b", "2 confirm - meta of b"]);
}

#[test]
fn a_word_opens_as_its_rules_fire_allows() {
    let mut content = run(told("name = \"r\"\nfire = \"content\""));
    content.expect(&[(0.0, TEXT)], &[]);
    content.tell(1.0, "7", "yes");
    content.end(&[]);
    let mut enriched = run(told("name = \"r\"\nfire = \"enriched\""));
    enriched.expect(&[(0.0, TEXT)], &[]);
    enriched.tell(1.0, "7", "yes");
    enriched.expect(&[(2.0, "meta")], &["2 open - meta"]);
    let mut late = run(told("name = \"r\"\nfire = \"enriched\""));
    late.expect(&[(0.0, TEXT), (1.0, "meta")], &[]);
    late.tell(2.0, "7", "yes");
    late.expect(&[], &["2 open - external"]);
}

#[test]
fn a_panic_switches_it_off_and_touches_nothing_else() {
    let mut asked = 0;
    let judge = move |case: &Case<'_>| {
        asked += 1;
        assert_eq!(case.trigger.as_str(), "content", "asked {asked} times");
        Judgement::Take
    };
    let strategies: Vec<Box<dyn Strategy>> = vec![Box::new(By("name = \"s\"", judge))];
    let rules = "[[rule]]\nname = \"r\"\n";
    let mut run = Run::of(set(rules, strategies), Bounds::default());
    run.expect(&[(0.0, "content")], &["0 open - content", "0 open - content of s"]);
    assert!(!run.pipeline.signal.has_incidents());
    run.expect(&[(1.0, "meta")], &["1 confirm - meta"]);
    let incidents = run.pipeline.signal.take_incidents();
    assert_eq!(incidents.len(), 1);
    assert_eq!(incidents[0].strategy, "s");
    assert_eq!(incidents[0].at_ns, ZERO_MS * 1_000_000 + nanos(1.0));
    assert!(incidents[0].message.contains("asked 2 times"), "{}", incidents[0].message);
    // What it has opened goes on as far as it needs nobody's opinion.
    run.expect(&[(2.0, "content@8")], &["2 open - content"]);
    let expect = &["3 cancel - delete deleted", "3 cancel - delete deleted of s"];
    run.expect(&[(3.0, "delete")], expect);
    assert_eq!(run.pipeline.signal.counters().strategies_off, 1);
    run.end(&["3002 lapse - timeout"]);
    assert!(!run.pipeline.signal.has_incidents());
}

#[test]
fn a_panic_over_a_word_from_outside_does_the_same() {
    let mut run = run(told("name = \"r\"\nsettle = \"10ms\""));
    run.tell(0.0, "7", "yes");
    run.expect(&[(1.0, "content")], &["1 open - content"]);
    run.tell(2.0, "7", "panic");
    assert_eq!(run.pipeline.signal.take_incidents().len(), 1);
    run.tell(3.0, "7", "no");
    run.expect(&[], &[]);
    run.end(&["11 lapse - timeout"]);
}

#[test]
fn one_that_is_switched_off_is_not_asked_again() {
    let mut run = run(By("name = \"r\"", |_: &Case<'_>| Judgement::Take));
    run.expect(&[(0.0, "content@1")], &["0 open - content"]);
    run.command(1.0, Command::SwitchOff { strategy: "other".to_owned() });
    run.expect(&[(2.0, "content@2")], &["2 open - content"]);
    run.command(3.0, Command::SwitchOff { strategy: "r".to_owned() });
    run.expect(&[(4.0, "content@3"), (5.0, "delete@1")], &["5 cancel - delete deleted"]);
    assert_eq!(run.pipeline.signal.counters().strategies_off, 1);
    assert!(!run.pipeline.signal.has_incidents(), "nothing has gone wrong");
}

#[test]
fn a_mistake_in_its_rule_names_the_strategy_and_the_place() {
    let mut reader = RuleReader::default();
    let rule = "name = \"a\"\n";
    let source = syntax::Source { name: "r.toml".to_owned(), text: format!("[[rule]]\n{rule}") };
    reader.read(&syntax::Table::root(&source, &source.parse().unwrap()));
    for rule in ["name = \"b\"\nnane = 1", "name = \"a\"", "name = ", "ttl = \"1s\""] {
        reader.strategy(Box::new(told(rule)));
    }
    let errors: Vec<String> = reader.take_errors().iter().map(ToString::to_string).collect();
    let places: Vec<&str> = errors.iter().map(|error| error.split(": ").next().unwrap_or_default()).collect();
    assert_eq!(
        places,
        ["strategy 1:2:1", "strategy 2:1:8", "strategy 3:1:8", "strategy 4:1:1"],
        "{errors:#?}"
    );
    assert!(errors[1].contains("r.toml:2"), "{}", errors[1]);
}

#[test]
fn an_explanation_does_not_ask_it() {
    let mut run = run(By("name = \"r\"\nany = [\"a\"]", |_: &Case<'_>| panic!("asked")));
    run.expect(&[(0.0, r#"content "text":"b""#)], &[]);
    let view = run.pipeline.merge.view(&TweetId::parse("7"), &stoop_model::Platform::Twitter).unwrap();
    assert!(run.pipeline.signal.explain(view, 0)[0].failed.is_some());
    run.expect(&[(0.0, r#"content@8 "text":"b""#)], &[]);
    let mut run = super::strategy::run(By("name = \"r\"", |_: &Case<'_>| Judgement::Refuse));
    run.expect(&[(0.0, "content")], &[]);
    let view = run.pipeline.merge.view(&TweetId::parse("7"), &stoop_model::Platform::Twitter).unwrap();
    let why = run.pipeline.signal.explain(view, 0);
    assert!(why[0].failed.is_none() && why[0].detail.ends_with("its strategy decides"), "{}", why[0]);
}
