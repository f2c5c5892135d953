//! Rule files that are not right: where, and what about them.

use proptest::prelude::*;
use stoop_engine::{RuleSet, RuleSetError};

use super::config;

#[track_caller]
fn refused(text: &str, expect: &[&str]) {
    match RuleSet::parse("r.toml", text) {
        Err(RuleSetError::Syntax(errors)) => {
            let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(errors.len(), expect.len(), "{errors:#?}");
            for (error, expect) in errors.iter().zip(expect) {
                assert!(error.starts_with(&format!("r.toml:{expect}")), "{error}\n{expect}");
            }
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("no error in\n{text}"),
    }
}

/// One key of a rule that begins on line 3.
#[track_caller]
fn key(text: &str, expect: &str) {
    refused(&format!("[[rule]]\nname = \"r\"\n{text}\n"), &[&format!("3:{expect}")]);
}

#[test]
fn unknown_keys_come_with_a_suggestion() {
    key("anny = []", "1: unknown key `anny`; did you mean `any`?");
    key("setle = \"1s\"", "1: unknown key `setle`; did you mean `settle`?");
    key("regex = \"1s\"", "1: unknown key `regex`; known here: name, note, ");
    key("assets = { token = true }", "12: unknown key `token`; did you mean `tokens`?");
    key("any_of = [{ any = [\"a\"] }, { al = [] }]", "30: unknown key `al`; did you mean `all`?");
    refused("[[rules]]\nname = \"r\"", &["1:3: unknown key `rules`; did you mean `rule`?"]);
    refused("[[alias]]\nterm = [\"a\"]", &["2:1: unknown key `term`; did you mean `terms`?"]);
}

#[test]
fn names_are_there_and_unique() {
    refused("[[rule]]\n", &["1:1: a rule needs a `name`"]);
    refused("[[rule]]\nname = \" \"", &["2:8: a rule's `name` is a text"]);
    refused(
        "[[rule]]\nname = \"a\"\n[[rule]]\nname = \"b\"\n[[rule]]\n name = \"a\"",
        &["6:9: a rule named \"a\" stands at r.toml:2 already"],
    );
}

#[test]
fn a_star_ends_a_term_or_is_a_mistake() {
    key("any = [\"a\", \"li*t\"]", "13: the term \"li*t\" has a `*` that is not at its end");
    key("any = [\"*list\"]", "8: the term \"*list\" has a `*`");
    key("any = [\"list**\"]", "8: the term \"list**\" has a `*`");
    let text = "[[rule]]\nname = \"r\"\nmatch = \"substring\"\nany = [\"li*t\"]";
    refused(text, &["4:8: the term \"li*t\" has a `*`"]);
}

#[test]
fn terms_that_can_never_match_are_mistakes() {
    for (text, list) in [
        ("any = [\"@binance\"]", "mentions"),
        ("all = [\"via @binance now\"]", "mentions"),
        ("none = [\"https://x.com\"]", "urls"),
        ("none = [\"HTTP://\"]", "urls"),
        ("in = [\"first_line\"]\nany = [\"@a\"]", "mentions"),
    ] {
        let text = format!("[[rule]]\nname = \"r\"\n{text}\n");
        match RuleSet::parse("r.toml", &text) {
            Err(RuleSetError::Syntax(errors)) => {
                let error = errors[0].to_string();
                assert!(error.contains("can never match") && error.contains(list), "{error}");
            }
            Err(_) | Ok(_) => panic!("no error in\n{text}"),
        }
    }
    for text in [
        "in = [\"mentions\"]\nany = [\"@binance\"]",
        "in = [\"text\", \"mentions\"]\nany = [\"@binance\"]",
        "in = [\"ocr\"]\nany = [\"@binance\"]",
        "in = [\"urls\"]\nany = [\"https://x.com\"]",
        "any = [\"me@binance.com\", \"@\", \"x://y\"]",
    ] {
        let text = format!("[[rule]]\nname = \"r\"\n{text}\n");
        assert!(RuleSet::parse("r.toml", &text).is_ok(), "{text}");
    }
}

#[test]
fn terms_are_not_empty() {
    for (text, column) in
        [("any = [\"\"]", 8), ("all = [\"a\", \" \"]", 13), ("none = [\"*\"]", 9), ("any = [\"\\u200b\"]", 8)]
    {
        key(text, &format!("{column}: the term "));
    }
    refused("[[alias]]\nterms = []\nmarket = \"binance:X\"", &["1:1: an alias needs at least one"]);
}

#[test]
fn values_are_of_their_type_and_in_range() {
    for (text, expect) in [
        ("settle = \"3\"", "10: `settle` = \"3\" is not a duration"),
        ("ttl = 3", "7: `ttl` takes text in quotes, such as \"20s\", not integer"),
        ("ttl = \"0s\"", "7: `ttl` must be longer than nothing"),
        ("max_age = \"-1s\"", "11: `max_age` = \"-1s\" is not a duration"),
        ("wait = \"1001d\"", "8: `wait` = \"1001d\" is not a duration"),
        ("any = \"a\"", "7: `any` takes a list of strings"),
        ("any = [\n\"a\", 5]", ""),
        ("authors = \"@a\"", "11: `authors` takes a list of strings, in brackets, such as [\"@binance\"]"),
        ("max_age = 10", "11: `max_age` takes text in quotes, such as \"10s\", not integer"),
        ("max = 3", "1: `max` belongs inside `assets`: assets = { tokens = true, max = 3 }"),
        ("tokens = true", "1: `tokens` belongs inside `assets`"),
        ("min_followers = -1", "17: `min_followers` takes a whole number"),
        ("min_followers = 1.5", "17: `min_followers` takes a whole number"),
        ("match = \"regex\"", "9: `match` does not know \"regex\"; it is one of \"word\", \"substring\""),
        ("in = [\"text\", \"title\"]", "15: `in` does not know \"title\""),
        ("in = []", "6: `in` is empty"),
        ("on = [\"delete\"]", "7: `on` does not know \"delete\""),
        ("kinds = [\"thread\"]", "10: `kinds` does not know"),
        ("platforms = [\"x\"]", "14: `platforms` does not know"),
        ("verified = [\"gold\"]", "13: `verified` does not know"),
        ("fire = \"now\"", "8: `fire` does not know"),
        ("on_timeout = \"x\"", "14: `on_timeout` does not know"),
        ("side = \"hold\"", "8: `side` does not know"),
        ("authors = [\"@\"]", "12: an author is a handle"),
        ("authors = [\"id:\"]", "12: an author is a handle"),
        ("assets = {}", "10: `assets` asks for nothing"),
        ("assets = { tokens = 1 }", "21: `tokens` takes true or false"),
        (
            "assets = { cex = [\"okx\"] }",
            "19: `cex` does not know \"okx\"; it is one of \"bybit\", \"binance\", \"hyperliquid\"; \
             for other exchanges use tokens with tradable = [\"gateio\"]",
        ),
        ("assets = true", "10: `assets` takes a table, such as { tokens = true }, not boolean"),
        ("emit = [\"DOGEUSDT\"]", "9: \"DOGEUSDT\" is not a market"),
        ("any_of = []", "10: `any_of` is empty"),
        ("any_of = [{}]", "11: this branch of `any_of` asks for nothing"),
        ("params = 5", "10: `params` takes a table"),
        ("params = { x = nan }", "10: JSON has no inf"),
        ("name = \"again\"", "1: duplicate key"),
        ("any = [", ""),
    ] {
        let text = format!("[[rule]]\nname = \"r\"\n{text}\n");
        match RuleSet::parse("r.toml", &text) {
            Err(RuleSetError::Syntax(errors)) if expect.is_empty() => {
                assert!(errors[0].line >= 3, "{errors:?}");
            }
            _ => refused(&text, &[&format!("3:{expect}")]),
        }
    }
}

#[test]
fn every_rule_with_an_error_is_told() {
    refused(
        "[[rule]]\nname = \"a\"\nany = [\"\"]\n[[rule]]\nname = \"b\"\n[[rule]]\nname = \"c\"\nin = []\n\
         [[alias]]\nterms = [\"x\"]\nmarket = \"okx:X\"",
        &["3:8:", "8:6:", "11:10: an alias names a market of bybit, binance, hyperliquid"],
    );
}

#[test]
fn the_hash_of_a_rule_is_that_of_its_meaning() {
    let hash = |text: &str| {
        RuleSet::parse("r.toml", text).expect("valid").rules().last().expect("a rule").label.hash
    };
    let plain = hash("[[rule]]\nname = \"r\"\nany = [\"a\"]");
    let other = "# a comment\n[[alias]]\nterms = [\"z\"]\nmarket = \"binance:Z\"\n\
                 [[rule]]\nname = \"q\"\nany = [\"b\"]\n";
    assert_eq!(
        hash(&format!("{other}[[rule]]\nany = ['a']\nsettle = \"3000ms\"\nname = \"r\"\nside = \"alert\"")),
        plain
    );
    for change in [
        "all = [\"a\"]",
        "ttl = \"31s\"",
        "params = { x = 1 }",
        "match = \"substring\"",
        "kinds = [\"post\"]",
    ] {
        assert_ne!(hash(&format!("[[rule]]\nname = \"r\"\nany = [\"a\"]\n{change}")), plain, "{change}");
    }
}

#[test]
fn params_are_json() {
    let text = "[[rule]]\nname = \"r\"\nparams = { b = 80, a = [1.5, +2, true], \"q\\\"\" = \"x\\n\\u0001é\", \
                t = 1979-05-27, h = 0xff, n = { e = 1e5 } }";
    let set = RuleSet::parse("r.toml", text).expect("valid");
    let expect = r#"{"b":80,"a":[1.5,2,true],"q\"":"x\n\u0001é","t":"1979-05-27","h":255,"n":{"e":1e5}}"#;
    assert_eq!(set.rules()[0].label.params, expect);
}

const VALID: &str = r#"
[[rule]]
name = "listing"
on = ["content", "update", "meta"]
authors = ["@binance", "id:44196397"]
any = ["will list", "lists*"]
none = ["delist*"]
in = ["text", "ocr"]
any_of = [{ any = ["é"] }, { assets = { tokens = true, cex = ["binance"] } }]
assets = { tokens = true, prediction = false }
min_followers = 10000
max_age = "5s"
fire = "enriched"
wait = "800ms"
params = { max_slippage_bps = 80, deep = { x = [1, 2.5, { y = 1979-05-27T07:32:00Z }] } }
[[alias]]
terms = ["doge", "dogecoin"]
market = "binance:DOGEUSDT"
"#;

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn no_text_panics(
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), 0_usize..12, ".{0,6}|[\\[\\]{}\"'=.,#\\n0-9_-]{0,6}"),
            0..8,
        ),
    ) {
        let mut text: Vec<char> = VALID.chars().collect();
        for (at, cut, insert) in edits {
            let at = at.index(text.len());
            let end = (at + cut).min(text.len());
            text.splice(at..end, insert.chars());
            if text.is_empty() {
                text.push(' ');
            }
        }
        let text: String = text.into_iter().collect();
        if let Err(error) = RuleSet::parse("r.toml", &text) {
            prop_assert!(error.to_string().starts_with("r.toml:"));
        }
    }
}

#[test]
fn a_valid_file_is_valid_and_deep_nesting_is_an_error() {
    RuleSet::parse("r.toml", VALID).expect("valid");
    let dotted = format!("[[rule]]\nname = \"r\"\nparams.{} = 1", vec!["a"; 50_000].join("."));
    let nested =
        format!("[[rule]]\nname = \"r\"\nparams = {{ a = {}{} }}", "[".repeat(50_000), "]".repeat(50_000));
    for text in [dotted, nested] {
        RuleSet::parse("r.toml", &text).err().expect("an error, and no overflow of the stack");
    }
}
