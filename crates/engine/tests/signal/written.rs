//! Coins that the text writes: in which forms, which of them pass, how often, and what becomes of them.

use std::sync::Arc;

use stoop_engine::syntax::{Source, Table};
use stoop_engine::{Bounds, Input, RuleReader, RuleSet, RuleSetError, Scope, Universe};
use stoop_model::Decision;

use super::{Row, Run, check, key, rules_of};

const UNIVERSE: &str = "symbol,venue,market,contract,chain\n\
    EDGE,gateio,EDGE_USDT,,\n\
    EDGE,binance,EDGEUSDT,0xAbCdEf0123456789aBcDeF0123456789ABCDEF01,eth\n\
    FOO,binance,FOOUSDT,,\n\
    W,bybit,WUSDT,,\n";

fn read(rules: &str) -> Result<RuleSet, RuleSetError> {
    RuleSet::new(reader(rules))
}

fn reader(rules: &str) -> RuleReader {
    let universe = Universe::parse("universe.csv", UNIVERSE).unwrap_or_else(|errors| panic!("{errors:?}"));
    let source = Source { name: "r.toml".to_owned(), text: rules_of(rules) };
    let parsed = source.parse().unwrap_or_else(|error| panic!("{error}"));
    let mut reader = RuleReader::default();
    reader.universe(Some(Arc::new(universe)));
    reader.read(&Table::root(&source, &parsed));
    reader
}

fn run_with_universe(rules: &str, inputs: &[Row<'_>]) -> Run {
    let mut run = Run::of(read(rules).unwrap_or_else(|error| panic!("{error}")), Bounds::default());
    for input in inputs {
        run.put(*input);
    }
    run
}

fn run(rules: &str, inputs: &[Row<'_>]) -> Run {
    let mut run = Run::new(&rules_of(rules), Bounds::default());
    for input in inputs {
        run.put(*input);
    }
    run
}

/// What opened: assets and their grounds.
fn grounds(run: &Run) -> Vec<String> {
    let shown = |line: &Decision| {
        let evidence = line.evidence.map_or("-", stoop_model::Evidence::as_str);
        format!("{} {evidence}", key(line.asset.as_ref()))
    };
    run.decisions.iter().filter(|line| line.kind.as_str() == "open").map(shown).collect()
}

#[track_caller]
fn opens_on(rules: &str, text: &str, expect: &[&str]) {
    let content = format!("content \"text\":{text:?}");
    assert_eq!(grounds(&run(rules, &[(0.0, &content)])), expect, "{rules}\n{text}");
}

#[test]
fn a_rule_takes_the_forms_it_names_and_the_strongest_is_the_ground() {
    let text = "Will list Edge (EDGE), $FOO and BAR: EDGE/USDT, QUUXUSDT";
    for (written, expect) in [
        ("", vec!["ticker:FOO ticker"]),
        (r#"written = ["ticker"]"#, vec!["ticker:FOO ticker"]),
        (r#"written = ["parentheses"]"#, vec!["ticker:EDGE parentheses"]),
        (r#"written = ["pair"]"#, vec!["ticker:EDGE pair", "ticker:QUUX pair"]),
        (
            r#"written = ["capitals"]"#,
            vec!["ticker:EDGE capitals", "ticker:FOO capitals", "ticker:BAR capitals"],
        ),
        (
            r#"written = ["capitals", "parentheses", "pair", "ticker"]"#,
            vec!["ticker:EDGE pair", "ticker:FOO ticker", "ticker:BAR capitals", "ticker:QUUX pair"],
        ),
    ] {
        let comma = if written.is_empty() { "" } else { "," };
        opens_on(&format!("assets = {{ tokens = true{comma} {written} }}"), text, &expect);
    }
}

#[test]
fn coins_are_sought_where_the_rule_says() {
    let text = "Will list Edge (EDGE)\nbeside (FOO)";
    opens_on(
        r#"assets = { tokens = true, written = ["parentheses"] }"#,
        text,
        &["ticker:EDGE parentheses", "ticker:FOO parentheses"],
    );
    let first = r#"assets = { tokens = true, written = ["parentheses"], in = ["first_line"] }"#;
    opens_on(first, text, &["ticker:EDGE parentheses"]);
    opens_on(r#"assets = { tokens = true, in = ["first_line"] }"#, "a\n$EDGE", &[]);
    // Each rule its own place.
    let both = format!(
        "[[rule]]\nname = \"r\"\n{first}\n[[rule]]\nname = \"s\"\n\
         assets = {{ tokens = true, written = [\"parentheses\"] }}"
    );
    opens_on(&both, text, &["ticker:EDGE parentheses", "ticker:EDGE parentheses", "ticker:FOO parentheses"]);
}

#[test]
fn only_and_except_and_money() {
    let rule =
        |more: &str| format!(r#"assets = {{ tokens = true, written = ["ticker", "parentheses"]{more} }}"#);
    opens_on(&rule(""), "(EDGE) (USDC) $USDT", &["ticker:EDGE parentheses", "ticker:USDT ticker"]);
    opens_on(&rule(r#", except = ["edge", "USDT"]"#), "(EDGE) (FOO) $USDT", &["ticker:FOO parentheses"]);
    opens_on(
        &rule(r#", only = ["usdc", "FOO"]"#),
        "(EDGE) (USDC) (FOO)",
        &["ticker:USDC parentheses", "ticker:FOO parentheses"],
    );
    // What the vendor names is held to the same lists.
    let meta =
        r#"meta "detected":{"tokens":[{"symbol":"FOO","contract":"F"},{"symbol":"BAR","contract":"B"}]}"#;
    let inputs = [(0.0, meta), (1.0, r#"content "text":"x""#)];
    let except = run(r#"assets = { tokens = true, except = ["FOO"] }"#, &inputs);
    assert_eq!(grounds(&except), ["token:-:B contract"]);
    let only = run(r#"assets = { tokens = true, only = ["FOO"] }"#, &inputs);
    assert_eq!(grounds(&only), ["token:-:F contract"]);
}

#[test]
fn a_rule_that_says_how_coins_are_written_takes_no_others_from_the_vendor() {
    let rule = r#"assets = { tokens = true, cex = true, addresses = true, written = ["parentheses"] }"#;
    let contract = "0x6982508145454Ce325dDbE47a25d4ec3d2311933";
    let content = format!(r#"content "text":"lists (EDGE), not FOO {contract}""#);
    let meta = format!(
        r#"meta "detected":{{"tokens":[
        {{"symbol":"EDGE","contract":"E","sources":["text"]}},{{"symbol":"FOO","contract":"F","sources":["text"]}},
        {{"symbol":"PIC","contract":"P","sources":["ocr"]}},
        {{"symbol":"ADR","contract":"{contract}","sources":["text"]}}],
        "cex":[{{"exchange":"bybit","symbol":"EDGEUSDT"}},{{"exchange":"bybit","symbol":"FOOUSDT"}}]}}"#
    );
    let opened = run(rule, &[(0.0, &meta.replace('\n', "")), (1.0, &content)]);
    assert_eq!(
        grounds(&opened),
        [
            "token:-:E contract",
            "token:-:P ocr_only",
            &format!("token:-:{contract} contract"),
            "cex:bybit:EDGEUSDT market"
        ]
    );
}

const KEEP: &str = "assets = { tokens = true, cex = [\"binance\"], written = [\"ticker\", \"parentheses\"] }\n\
     on_unnamed = \"keep\"";
const CANCEL: &str =
    "assets = { tokens = true, cex = [\"binance\"], written = [\"ticker\", \"parentheses\"] }";

fn meta(detected: &str) -> String {
    format!("meta \"detected\":{{{detected}}}")
}

#[test]
fn a_coin_the_vendor_does_not_name_is_cancelled_or_kept() {
    let content = (0.0, r#"content "text":"lists (AB)""#);
    let other = meta(r#""tokens":[{"symbol":"XY","contract":"X"}]"#);
    check(
        CANCEL,
        &[content, (5.0, &other)],
        &["0 open ticker:AB content", "5 cancel ticker:AB meta unnamed"],
    );
    check(KEEP, &[content, (5.0, &other)], &["0 open ticker:AB content", "5 confirm ticker:AB meta"]);
    check(KEEP, &[content, (5.0, "meta")], &["0 open ticker:AB content", "5 confirm ticker:AB meta"]);
    // One that it names with a single contract, or as a market.
    let token = meta(r#""tokens":[{"symbol":"AB","contract":"C","chain":"x"}]"#);
    check(
        KEEP,
        &[content, (5.0, &token)],
        &["0 open ticker:AB content", "5 revise token:x:C meta was ticker:AB"],
    );
    let market = meta(r#""cex":[{"exchange":"binance","symbol":"ABUSDT"}]"#);
    check(
        KEEP,
        &[content, (5.0, &market)],
        &["0 open ticker:AB content", "5 revise cex:binance:ABUSDT meta was ticker:AB"],
    );
    // One with several contracts: nobody knows which, and the exchange meant its own.
    let several = meta(r#""tokens":[{"symbol":"AB","contract":"C"},{"symbol":"AB","contract":"D"}]"#);
    check(KEEP, &[content, (5.0, &several)], &["0 open ticker:AB content", "5 confirm ticker:AB meta"]);
    check(
        CANCEL,
        &[content, (5.0, &several)],
        &["0 open ticker:AB content", "5 cancel ticker:AB meta ambiguous"],
    );
    // It became a contract, and then there were two: it stands as it is.
    check(
        KEEP,
        &[content, (5.0, &token), (6.0, &several)],
        &["0 open ticker:AB content", "5 revise token:x:C meta was ticker:AB"],
    );
    // The text does not write it any more.
    check(
        KEEP,
        &[content, (5.0, "meta"), (6.0, r#"update "text":"lists nothing""#)],
        &["0 open ticker:AB content", "5 confirm ticker:AB meta", "6 cancel ticker:AB update no_match"],
    );
    check(
        KEEP,
        &[content, (5.0, "delete")],
        &["0 open ticker:AB content", "5 cancel ticker:AB delete deleted"],
    );
}

#[test]
fn a_kept_coin_opens_on_the_enrichment_too_and_its_ground_stays() {
    let rule = format!("{KEEP}\nfire = \"enriched\"");
    check(&rule, &[(0.0, r#"content "text":"lists (AB)""#), (5.0, "meta")], &["5 open ticker:AB meta"]);
    let inputs =
        [(0.0, r#"content "text":"lists (AB)""#), (2.0, r#"update "text":"lists $AB""#), (5.0, "meta")];
    let run = run(KEEP, &inputs);
    let evidence: Vec<_> = run
        .decisions
        .iter()
        .map(|line| (line.kind.as_str(), line.evidence.map(stoop_model::Evidence::as_str)))
        .collect();
    assert_eq!(evidence, [("open", Some("parentheses")), ("confirm", Some("parentheses"))]);
}

#[test]
fn more_assets_than_max_are_one_alert_and_nothing_else() {
    let rule = "assets = { tokens = true, max = 2 }\nside = \"buy\"";
    check(
        rule,
        &[(0.0, r#"content "text":"$AB $CD""#)],
        &[
            "0 open ticker:AB content",
            "0 open ticker:CD content",
            "3000 lapse ticker:AB timeout",
            "3000 lapse ticker:CD timeout",
        ],
    );
    let named = meta(r#""tokens":[{"symbol":"AB","contract":"A"}]"#);
    let many =
        [(0.0, r#"content "text":"$AB $CD $EF""#), (5.0, named.as_str()), (6.0, r#"update "text":"$GH""#)];
    check(rule, &many, &["0 open - content", "5 confirm - meta"]);
    let lines = run(rule, &many).decisions;
    let sides: Vec<_> =
        lines.iter().map(|line| (line.rule.side.as_str(), line.group.count, line.evidence)).collect();
    assert_eq!(sides, [("alert", 1, None), ("alert", 1, None)]);
    assert_eq!(
        lines[0].rule.hash,
        read(rule).unwrap_or_else(|error| panic!("{error}")).rules()[0].label.hash
    );
    // Later ones beyond it open nothing.
    let later = meta(r#""tokens":[{"symbol":"AB"},{"symbol":"CD"},{"symbol":"EF"}]"#);
    check(
        rule,
        &[(0.0, r#"content "text":"$AB""#), (5.0, &later)],
        &["0 open ticker:AB content", "5 confirm token:AB meta", "5 open token:CD meta"],
    );
    // None of them is named: they were all meant, and none stands.
    check(
        rule,
        &[(0.0, r#"content "text":"$AB $CD $EF""#), (5.0, "meta")],
        &["0 open - content", "5 cancel - meta unnamed"],
    );
}

#[test]
fn markets_are_those_of_the_universe_in_its_order() {
    let markets = |line: &Decision| -> Vec<String> {
        line.markets.iter().map(|on| format!("{}:{}", on.venue, on.market)).collect()
    };
    let contract = "0xabcdef0123456789abcdef0123456789abcdef01";
    let named = meta(&format!(r#""tokens":[{{"symbol":"EDGE","contract":"{contract}"}}]"#));
    let run = run_with_universe(
        "assets = { tokens = true }",
        &[(0.0, r#"content "text":"$EDGE $BAR""#), (5.0, &named)],
    );
    let lines: Vec<_> = run.decisions.iter().map(|line| (line.kind.as_str(), markets(line))).collect();
    let all = vec!["gateio:EDGE_USDT".to_owned(), "binance:EDGEUSDT".to_owned()];
    assert_eq!(
        lines,
        [
            ("open", all),
            ("open", vec![]),
            // By contract, once it is known.
            ("revise", vec!["binance:EDGEUSDT".to_owned()]),
            ("cancel", vec![])
        ]
    );
}

#[test]
fn a_rule_opens_only_where_its_assets_can_be_traded() {
    for (tradable, expect) in [
        ("", vec!["ticker:EDGE ticker", "ticker:FOO ticker", "ticker:BAR ticker"]),
        ("tradable = false", vec!["ticker:EDGE ticker", "ticker:FOO ticker", "ticker:BAR ticker"]),
        ("tradable = true", vec!["ticker:EDGE ticker", "ticker:FOO ticker"]),
        ("tradable = [\"GateIO\"]", vec!["ticker:EDGE ticker"]),
        ("tradable = [\"bybit\", \"binance\"]", vec!["ticker:EDGE ticker", "ticker:FOO ticker"]),
        ("tradable = [\"okx\"]", vec![]),
    ] {
        let rule = format!("{tradable}\nassets = {{ tokens = true }}");
        let run = run_with_universe(
            &rule,
            &[(0.0, r#"content "text":"$EDGE $FOO $BAR""#), (1.0, r#"update "link":"l""#)],
        );
        assert_eq!(grounds(&run), expect, "{tradable}");
        assert_eq!(
            run.pipeline.signal.counters().untradable,
            3 - expect.len() as u64,
            "each is counted once"
        );
        // The lines list all there is.
        assert!(expect.is_empty() || run.decisions[0].markets.len() == 2);
    }
}

#[test]
fn an_alert_on_many_is_not_held_back_and_nothing_opens_behind_it() {
    let narrower = (1.0, r#"update "text":"$EDGE""#);
    let many = (0.0, r#"content "text":"$FOO $BAR""#);
    let untraded = "tradable = [\"gateio\"]\nassets = { tokens = true, max = 1 }";
    assert_eq!(run_with_universe(untraded, &[many, narrower]).lines(), ["0 open - content"]);
    let rule = "assets = { tokens = true, max = 2 }\ncooldown = \"1h\"\nside = \"buy\"";
    for by in ["asset", "author", "rule"] {
        let inputs = [
            (0.0, post(1, "a", "$AA $BB $CC")),
            (1.0, post(2, "a", "$AA $BB $CC")),
            (2.0, r#"meta@2 "detected":{"tokens":[{"symbol":"AA"}]}"#.to_owned()),
            (3.0, r#"update@2 "text":"$AA""#.to_owned()),
        ];
        let inputs: Vec<Row<'_>> = inputs.iter().map(|(at, input)| (*at, input.as_str())).collect();
        let lines = run(&format!("{rule}\ncooldown_by = \"{by}\""), &inputs).lines();
        assert_eq!(lines, ["0 open - content", "1 open - content", "2 confirm - meta"], "{by}");
    }
}

#[test]
fn what_one_rule_looks_for_hides_nothing_from_another() {
    let words: Vec<String> =
        (0..200_u8).map(|number| format!("{0}{0}Q{1}", char::from(b'A' + number % 26), number)).collect();
    let content = format!("content \"text\":\"the {} and $EDGE\"", words.join(" "));
    let tickers = "[[rule]]\nname = \"r\"\nassets = { tokens = true }\n";
    let capitals =
        "[[rule]]\nname = \"other\"\nenabled = false\nassets = { tokens = true, written = [\"capitals\"] }\n";
    for rules in [tickers.to_owned(), format!("{capitals}{tickers}"), format!("{tickers}{capitals}")] {
        assert_eq!(run(&rules, &[(0.0, &content)]).lines(), ["0 open ticker:EDGE content"], "{rules}");
    }
}

#[test]
fn coins_come_in_the_order_in_which_their_rule_finds_them() {
    let content = r#"content "text":"the EDGE of $FOO and $EDGE""#;
    let tickers = "[[rule]]\nname = \"r\"\nassets = { tokens = true }\n";
    let capitals =
        "[[rule]]\nname = \"other\"\nenabled = false\nassets = { tokens = true, written = [\"capitals\"] }\n";
    for rules in [tickers.to_owned(), format!("{capitals}{tickers}")] {
        let lines = run(&rules, &[(0.0, content)]).lines();
        assert_eq!(lines, ["0 open ticker:FOO content", "0 open ticker:EDGE content"], "{rules}");
    }
}

#[test]
fn a_cooldown_that_is_over_makes_room_for_one_that_runs() {
    let rules = "[[rule]]\nname = \"rare\"\nany = [\"rare\"]\nassets = { tokens = true }\ncooldown = \"24h\"\n\
                 fire = \"content\"\n\
                 [[rule]]\nname = \"noisy\"\nassets = { tokens = true }\ncooldown = \"1s\"\nfire = \"content\"\n";
    let mut run = run(rules, &[(0.0, &post(0, "a", "rare $EDGE"))]);
    for number in 1..200_u32 {
        run.put((f64::from(number) * 2_000.0, &post(number, "a", "$EDGE")));
    }
    // The first runs, the last may: all between are over and gone.
    assert_eq!(run.pipeline.save(Scope::All).cooldowns.len(), 2);
    run.lines();
    run.put((500_000.0, &post(300, "a", "rare $EDGE")));
    assert_eq!(run.lines(), ["500000 open ticker:EDGE content of noisy"]);
    assert_eq!(run.pipeline.signal.counters().cooldowns_pushed_out, 0);
}

#[test]
fn symbols_in_lists_are_read_as_those_of_texts() {
    for symbol in ["edge", "ＥＤＧＥ", "ED\\u200BGE", " EDGE "] {
        let rule = format!("assets = {{ tokens = true, except = [\"{symbol}\"] }}");
        opens_on(&rule, "$EDGE $FOO", &["ticker:FOO ticker"]);
        let rule = format!("assets = {{ tokens = true, only = [\"{symbol}\"] }}");
        opens_on(&rule, "$EDGE $FOO", &["ticker:EDGE ticker"]);
    }
    for symbol in ["#EDGE", "$EDGE", "ED GE", "\\u0000", "", "\\u200B", "EDGE/USDT"] {
        let rule = format!("assets = {{ tokens = true, except = [\"{symbol}\"] }}");
        let error = read(&rule).map(|_| ()).expect_err(symbol).to_string();
        assert!(error.starts_with("r.toml:3:37: ") && error.contains("is not a symbol"), "{error}");
    }
}

#[test]
fn symbols_of_other_shapes_count_where_the_universe_lists_them() {
    let rule = r#"assets = { tokens = true, written = ["ticker", "listed"] }"#;
    let run = run_with_universe(rule, &[(0.0, r#"content "text":"$W, #edge and FOO""#)]);
    assert_eq!(grounds(&run), ["ticker:W ticker", "ticker:EDGE listed", "ticker:FOO listed"]);
}

#[test]
fn what_needs_a_universe_or_assets_says_so() {
    for (rule, expect) in [
        (
            "tradable = true\nassets = { tokens = true }",
            "3:12: `tradable` means listed in the universe, and there is none",
        ),
        (
            "assets = { tokens = true, written = [\"listed\"] }",
            "3:37: \"listed\" means listed in the universe, and there is none",
        ),
    ] {
        let error =
            RuleSet::parse("r.toml", &rules_of(rule)).map(|_| ()).expect_err("no universe").to_string();
        assert!(error.starts_with(&format!("r.toml:{expect}")), "{error}");
        assert!(read(rule).is_ok(), "{rule}");
    }
    for (rule, expect) in [
        (
            "tradable = true",
            "3:12: `tradable` needs an `assets` of the rule itself; those of its branches do not count",
        ),
        ("tradable = 5", "3:12: `tradable` takes true, false or a list of venues"),
        ("tradable = []", "3:"),
        ("assets = { tokens = true, max = 0 }", "3:33: `max` must be at least 1"),
        ("assets = { tokens = true, max = 64 }", "3:33: `max` must be below 64"),
        ("any_of = [{ assets = { tokens = true, max = 3 } }]", "3:45: `max` is about all assets of a rule"),
        ("assets = { tokens = true, written = [\"word\"] }", "3:38: "),
        ("assets = { tokens = true, written = [] }", "3:"),
        ("assets = { addresses = true, written = [\"pair\"] }", "3:40: `written` is about coins"),
        ("assets = { tokens = true, in = [\"ocr\"] }", "3:33: "),
        ("assets = { tokens = true, only = [] }", "3:"),
        ("assets = { tokens = true, only = [\"$A\"] }", "3:35: \"$A\" is not a symbol"),
        ("assets = { tokens = true, only = [\"A\"], except = [\"a\"] }", "3:1"),
        ("on_unnamed = \"drop\"", "3:14: "),
        ("cooldown = \"0s\"", "3:12: "),
        ("cooldown_by = \"coin\"\ncooldown = \"1h\"", "3:15: "),
        ("cooldown_by = \"asset\"", "3:15: `cooldown_by` says what a `cooldown` is for"),
        ("enabled = \"no\"", "3:11: "),
        ("note = 5", "3:8: "),
    ] {
        let error = read(rule).map(|_| ()).expect_err(rule).to_string();
        assert!(error.starts_with(&format!("r.toml:{expect}")), "{rule}\n{error}");
    }
}

#[test]
fn a_venue_that_the_universe_does_not_have_is_warned_of_with_those_it_has() {
    let warnings = |venues: &str| -> Vec<String> {
        let warnings = reader(&format!("tradable = {venues}\nassets = {{ tokens = true }}")).take_warnings();
        warnings.iter().map(ToString::to_string).collect()
    };
    let has = "it has binance, bybit, gateio";
    assert_eq!(warnings("[\"gateio\"]"), [""; 0]);
    assert_eq!(
        warnings("[\"gate\"]"),
        [format!("r.toml:3:13: the universe lists nothing at \"gate\"; {has}: this rule can never open")]
    );
    assert_eq!(
        warnings("[\"Gate\", \"bybit\"]"),
        [format!("r.toml:3:13: the universe lists nothing at \"gate\"; {has}")]
    );
}

#[test]
fn a_disabled_rule_is_checked_and_never_fires() {
    check("enabled = false", &[(0.0, "content")], &[]);
    check(
        "enabled = true\nnote = \"for people\"\nfire = \"content\"",
        &[(0.0, "content")],
        &["0 open - content"],
    );
    assert!(RuleSet::parse("r.toml", &rules_of("enabled = false\nany = [\"\"]")).is_err());
}

#[test]
fn new_keys_change_the_hash_where_they_are_set_and_people_s_notes_never_do() {
    let hash =
        |rule: &str| read(rule).unwrap_or_else(|error| panic!("{rule}: {error}")).rules()[0].label.hash;
    let assets = "assets = { tokens = true }";
    // Hashes of before these keys were there; typographic quotes were part of a term then.
    assert_eq!(u64::from_be_bytes(hash(assets)), 0xaf30_81ee_7fcb_53f0);
    let terms = "any = [\"don’t\", \"list*\"]\nany_of = [{ all = [\"ＡＢ\"], assets = { cex = true } }]";
    assert_eq!(u64::from_be_bytes(hash(terms)), 0x204b_1203_345d_199b);
    for same in [
        "enabled = false\nassets = { tokens = true }",
        "note = \"why\"\nassets = { tokens = true }",
        "on_unnamed = \"cancel\"\nassets = { tokens = true }",
        "tradable = false\nassets = { tokens = true }",
        "assets = { tokens = true, in = [\"text\"], except = [] }",
    ] {
        assert_eq!(hash(same), hash(assets), "{same}");
    }
    let mut all = vec![hash(assets)];
    for other in [
        "on_unnamed = \"keep\"\nassets = { tokens = true }",
        "tradable = true\nassets = { tokens = true }",
        "tradable = [\"binance\"]\nassets = { tokens = true }",
        "assets = { tokens = true, written = [\"ticker\"] }",
        "assets = { tokens = true, written = [\"ticker\", \"pair\"] }",
        "assets = { tokens = true, in = [\"first_line\"] }",
        "assets = { tokens = true, only = [\"A\"] }",
        "assets = { tokens = true, except = [\"A\"] }",
        "assets = { tokens = true, max = 3 }",
        "cooldown = \"1h\"\nassets = { tokens = true }",
        "cooldown = \"2h\"\nassets = { tokens = true }",
        "cooldown = \"1h\"\ncooldown_by = \"rule\"\nassets = { tokens = true }",
    ] {
        all.push(hash(other));
    }
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count, "no two are the same");
}

/// A post of an author.
fn post(id: u32, author: &str, text: &str) -> String {
    format!(r#"content@{id} "text":"{text}","author":{{"handle":"@{author}"}}"#)
}

#[test]
fn a_coin_opens_once_in_its_cooldown() {
    let rule = "assets = { tokens = true }\ncooldown = \"1h\"\nfire = \"content\"";
    let hour = 3_600_000.0;
    let posts = [
        (0.0, post(1, "a", "$AB")),
        (1.0, post(2, "b", "$AB $CD")),
        (hour - 1.0, post(3, "a", "$ab")),
        (hour, post(4, "a", "$AB")),
        (hour + 1.0, post(5, "a", "$CD")),
    ];
    let inputs: Vec<Row<'_>> = posts.iter().map(|(at, post)| (*at, post.as_str())).collect();
    let mut run = run(rule, &inputs);
    assert_eq!(
        run.lines(),
        [
            "0 open ticker:AB content",
            "1 open ticker:CD content",
            "3600000 open ticker:AB content",
            "3600001 open ticker:CD content",
        ]
    );
    assert_eq!(run.pipeline.signal.counters().cooled, 2);
}

#[test]
fn the_same_coin_is_the_same_contract_else_the_same_symbol() {
    let rule = "assets = { tokens = true, cex = true }\ncooldown = \"1h\"\non = [\"meta\"]";
    let named = |id: u32, list: &str| format!("meta@{id} \"detected\":{{{list}}}");
    let token = |symbol: &str, contract: &str| {
        format!(r#""tokens":[{{"symbol":"{symbol}","contract":"{contract}"}}]"#)
    };
    let market = |symbol: &str| format!(r#""cex":[{{"exchange":"binance","symbol":"{symbol}USDT"}}]"#);
    for (second, opens) in [
        (token("AB", "C"), false),
        (token("XY", "C"), false),
        (token("AB", "D"), true),
        (token("XY", "D"), true),
        (r#""tokens":[{"symbol":"ab"}]"#.to_owned(), false),
        (market("AB"), false),
        (market("XY"), true),
    ] {
        let inputs = [
            (0.0, "content@1".to_owned()),
            (1.0, named(1, &token("AB", "C"))),
            (2.0, "content@2".to_owned()),
            (3.0, named(2, &second)),
        ];
        let inputs: Vec<Row<'_>> = inputs.iter().map(|(at, input)| (*at, input.as_str())).collect();
        let run = run(rule, &inputs);
        assert_eq!(run.decisions.len(), 1 + usize::from(opens), "{second}");
        assert_eq!(run.pipeline.signal.counters().cooled, u64::from(!opens), "{second}");
    }
    // A ticker that has become a contract is that contract from then on.
    let rule = "assets = { tokens = true }\ncooldown = \"1h\"";
    let inputs = [
        (0.0, post(1, "a", "$AB")),
        (1.0, named(1, &token("AB", "C"))),
        (2.0, "content@2".to_owned()),
        (3.0, named(2, &token("AB", "D"))),
    ];
    let inputs: Vec<Row<'_>> = inputs.iter().map(|(at, input)| (*at, input.as_str())).collect();
    assert_eq!(run(rule, &inputs).decisions.len(), 3, "another contract is another coin");
}

#[test]
fn a_cooldown_is_by_asset_author_or_rule() {
    let posts = [
        (0.0, post(1, "a", "$AB $CD")),
        (1.0, post(2, "a", "$EF")),
        (2.0, post(3, "b", "$AB")),
        (3.0, post(4, "b", "$GH")),
    ];
    let inputs: Vec<Row<'_>> = posts.iter().map(|(at, post)| (*at, post.as_str())).collect();
    for (by, expect) in [
        ("asset", vec!["AB", "CD", "EF", "GH"]),
        // What opens together is one event.
        ("author", vec!["AB", "CD", "AB"]),
        ("rule", vec!["AB", "CD"]),
    ] {
        let rule = format!(
            "assets = {{ tokens = true }}\ncooldown = \"1h\"\ncooldown_by = \"{by}\"\nfire = \"content\""
        );
        let run = run(&rule, &inputs);
        let symbols: Vec<_> =
            run.decisions.iter().filter_map(|line| line.asset.as_ref()?.symbol.clone()).collect();
        assert_eq!(symbols, expect, "{by}");
    }
}

#[test]
fn a_cancel_within_the_ttl_ends_the_cooldown() {
    let rule = "assets = { tokens = true }\ncooldown = \"1h\"\nttl = \"10s\"\nkinds = [\"post\"]";
    for (at, opens) in [(9_000.0, true), (10_000.0, true), (10_001.0, false)] {
        let inputs =
            [(0.0, post(1, "a", "$AB")), (at, "delete@1".to_owned()), (20_000.0, post(2, "a", "$AB"))];
        let inputs: Vec<Row<'_>> = inputs.iter().map(|(at, input)| (*at, input.as_str())).collect();
        let run = run(rule, &inputs);
        let count = run.decisions.iter().filter(|line| line.kind.as_str() == "open").count();
        assert_eq!(count, 1 + usize::from(opens), "{at}");
    }
}

#[test]
fn a_cooldown_outlives_a_restart() {
    let rules = rules_of("assets = { tokens = true }\ncooldown = \"1h\"\nfire = \"content\"");
    let mut before = Run::new(&rules, Bounds::default());
    before.put((0.0, &post(1, "a", "$AB")));
    let state = Arc::new(before.pipeline.save(Scope::All));
    assert_eq!((state.cooldowns.len(), state.head.cooldowns), (1, 1));
    let mut after = Run::new(&rules, Bounds::default());
    after.pipeline.handle(&Input::restored(Arc::clone(&state)), &mut Vec::new());
    after.put((1_000.0, &post(2, "a", "$AB $CD")));
    assert_eq!(after.lines(), ["1000 open ticker:CD content"]);
    // A rule that is no more cools nothing down.
    let mut other = Run::new(&rules.replace("\"r\"", "\"other\""), Bounds::default());
    other.pipeline.handle(&Input::restored(state), &mut Vec::new());
    other.put((1_000.0, &post(2, "a", "$AB")));
    assert_eq!(other.lines(), ["1000 open ticker:AB content of other"]);
}

#[test]
fn assets_of_one_text_are_bounded_and_what_is_left_out_is_counted() {
    let many: Vec<String> = (0..1_000).map(|number| format!("$AB{number}")).collect();
    let content = format!("content \"text\":\"{}\"", many.join(" "));
    let run = run("assets = { tokens = true }", &[(0.0, &content)]);
    assert_eq!(run.decisions.len(), stoop_engine::LOCAL_ASSETS);
    assert_eq!(run.pipeline.signal.counters().local_assets_over, 1_000 - stoop_engine::LOCAL_ASSETS as u64);
}
