//! What a configuration says of endpoints, of who may read the key on the way to them, and of what comes late.

use std::time::Duration;

use stoop::Config;

fn error(text: &str) -> String {
    Config::parse("stoop.toml", text).expect_err("a mistake").to_string()
}

#[test]
fn endpoints_stand_in_place_of_the_url_each_under_a_name_of_its_own() {
    let text = "[[feed.endpoint]]\nurl = \"wss://a.example/ws\"\n\
        [[feed.endpoint]]\nname = \"iad\"\nurl = \"wss://b.example/ws\"\n";
    let config = Config::parse("stoop.toml", text).unwrap();
    let shown: Vec<String> =
        config.endpoints.iter().map(|endpoint| format!("{} {}", endpoint.name, endpoint.shown())).collect();
    assert_eq!(shown, ["endpoint-1 wss://a.example:443/ws", "iad wss://b.example:443/ws"]);
    assert_eq!(Config::default().endpoints.len(), 1);
}

#[test]
fn mistakes_in_endpoints_are_told_with_their_place() {
    let one = "[[feed.endpoint]]\nname = \"a\"\nurl = \"wss://a.example/ws\"\n";
    for (text, expect) in [
        (format!("{one}{one}"), "stoop.toml:5:8: an endpoint named \"a\" stands above"),
        (format!("[feed]\nurl = \"wss://a.example/ws\"\n{one}"), "stoop.toml:2:7: either `url` or"),
        ("[[feed.endpoint]]\nname = \"a\"\n".to_owned(), "an endpoint needs a `url`"),
        (
            "[[feed.endpoint]]\nname = \" \"\nurl = \"wss://a.example\"\n".to_owned(),
            "stoop.toml:2:8: an endpoint's `name`",
        ),
        ("[[feed.endpoint]]\nurl = \"http://a.example\"\n".to_owned(), "stoop.toml:2:7: "),
        ("[[feed.endpoint]]\nurl = \"wss://a.example\"\n".repeat(9), "at most 8 endpoints, these are 9"),
    ] {
        let found = error(&text);
        assert!(found.contains(expect), "{found}\n{text}");
    }
}

#[test]
fn the_key_goes_over_the_network_in_plaintext_only_if_that_is_asked_for_and_then_with_a_warning() {
    let text = |allow: &str| {
        format!("[feed]\n{allow}\nurl = \"ws://feed.example/ws\"\napi = \"http://api.example\"\n")
    };
    for allow in ["", "allow_plaintext_key_over_the_network = false"] {
        let found = error(&text(allow));
        assert!(found.starts_with("stoop.toml:3:7: ws:// to feed.example would show the API key"), "{found}");
    }
    let found = error("[feed]\napi = \"http://api.example\"\n");
    assert!(found.starts_with("stoop.toml:2:7: http:// to api.example would show the API key"), "{found}");

    let allow = "allow_plaintext_key_over_the_network = true";
    let config = Config::parse("stoop.toml", &text(allow)).unwrap();
    assert!(config.endpoints[0].is_exposed() && config.api.is_exposed());
    let [warning] = &config.warnings[..] else { panic!("{:?}", config.warnings) };
    let expect = "everyone on the way to ws://feed.example:80/ws, http://api.example can read the API key";
    assert!(warning.to_string().contains(expect), "{warning}");
    assert!(warning.to_string().starts_with("stoop.toml:2:"), "{warning}");

    let several = format!("[feed]\n{allow}\n[[feed.endpoint]]\nurl = \"ws://10.0.0.1/ws\"\n");
    let config = Config::parse("stoop.toml", &several).unwrap();
    assert!(config.warnings[0].to_string().contains("ws://10.0.0.1:80/ws"), "{:?}", config.warnings);
    let config = Config::parse("stoop.toml", &format!("[feed]\n{allow}\n")).unwrap();
    assert!(config.warnings[0].to_string().contains("take it out"), "{:?}", config.warnings);
}

#[test]
fn history_is_asked_unless_it_is_switched_off() {
    let backfill = |feed: &str| Config::parse("stoop.toml", &format!("[feed]\n{feed}\n")).unwrap().backfill;
    assert_eq!(Config::default().backfill, Some(Duration::from_secs(5)));
    assert_eq!(backfill("backfill = true"), Some(Duration::from_secs(5)));
    assert_eq!(backfill("backfill_delay = \"1s500ms\""), Some(Duration::from_millis(1_500)));
    assert_eq!(backfill("backfill_delay = \"1s\"\nbackfill = false"), None);
    assert!(error("[feed]\nbackfill = 1\n").contains("stoop.toml:2:12: "));
}

#[test]
fn a_rule_that_can_open_on_nothing_late_though_it_says_so_is_warned_of() {
    let warnings = |rule: &str, feed: &str| -> Vec<String> {
        let text = format!("[feed]\n{feed}\n[[rule]]\nname = \"r\"\nallow_late = true\n{rule}\n");
        let config = Config::parse("stoop.toml", &text).unwrap();
        config.warnings.iter().map(|warning| warning.message.clone()).collect()
    };
    let of = |why: &str| vec![format!("`allow_late` of rule \"r\" has no effect: {why}")];
    assert_eq!(warnings("", ""), [""; 0]);
    assert_eq!(warnings("max_age = \"5001ms\"", ""), [""; 0]);
    assert_eq!(
        warnings("max_age = \"5s\"", ""),
        of("its `max_age` is over before `[feed] backfill_delay` is")
    );
    assert_eq!(warnings("", "backfill = false"), of("`[feed] backfill` is false"));
}

#[test]
fn series_are_kept_as_written_and_checked() {
    let with =
        |series: &str| Config::parse("stoop.toml", &format!("[[rule]]\nname = \"r\"\n[series]\n{series}"));
    let config = with("\"rule:r\" = \"DOGEUSDT\"\n\"$EDGE\" = \"EDGEUSDT\"").expect("a configuration");
    let pair = |key: &str, series: &str| (key.to_owned(), series.to_owned());
    assert_eq!(config.series, [pair("rule:r", "DOGEUSDT"), pair("$EDGE", "EDGEUSDT")]);
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    let error = with("doge = \"DOGEUSDT\"").expect_err("no key");
    assert!(error.to_string().contains("stoop.toml:4:8: `doge` is neither a rule nor an asset"), "{error}");
    let error = with("\"rule:r\" = 3").expect_err("no series");
    assert!(error.to_string().contains("a series is the name of its files"), "{error}");
    let warnings = with("\"rule:gone\" = \"A\"").expect("a configuration").warnings;
    assert!(warnings[0].message.contains("names rule \"gone\", which is not there"));
}

#[test]
fn the_universe_is_read_beside_the_configuration_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stoop.toml");
    let load = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Config::load(&path)
    };
    let error = |text: &str| load(text).expect_err("a mistake").to_string();
    let named = "[[rule]]\nname = \"r\"\n[universe]\nfile = \"lists/u.csv\"\n";
    let missing = error(named);
    assert!(missing.contains("stoop.toml:4:8: cannot read ") && missing.contains("u.csv"), "{missing}");
    assert!(
        missing.ends_with("`stoop init` writes a small one, `stoop universe build` a real one"),
        "{missing}"
    );

    std::fs::create_dir(folder.path().join("lists")).unwrap();
    let list = folder.path().join("lists").join("u.csv");
    std::fs::write(&list, "symbol,venue,market\n,okx,A\nFOO,okx,B\nFOO,,C\n").unwrap();
    let bad = error(named);
    let places: Vec<_> = bad.lines().map(|line| line.split_once("u.csv").expect("the file").1).collect();
    assert_eq!(places, [":2:1: `symbol` is empty", ":4:5: `venue` is empty"]);

    std::fs::write(&list, "symbol,venue,market\nFOO,okx,FOO-USDT\n").unwrap();
    let config = load(named).expect("a configuration");
    let rules = config.rules().expect("rules");
    assert!(rules.universe().expect("a universe").lists("FOO"));
    let config = load("[[rule]]\nname = \"r\"\n").expect("a configuration");
    assert!(config.rules().expect("rules").universe().is_none());

    for (text, expect) in [
        ("[universe]\nflie = \"u.csv\"\n", "stoop.toml:2:1: unknown key `flie`; did you mean `file`?"),
        ("[universe]\n", "stoop.toml:1:1: `[universe]` needs a `file`"),
        ("[universe]\nfile = 3\n", "stoop.toml:2:8: `file` takes text"),
        ("universe = \"u.csv\"\n", "stoop.toml:1:12: `universe` takes a table"),
        ("[universe]\nfile = \"lists\"\n", "stoop.toml:2:8: cannot read "),
    ] {
        let found = error(text);
        assert!(found.contains(expect), "{found}\n{text}");
    }
    let found = Config::parse("text", named).expect_err("no folder").to_string();
    assert!(found.starts_with("text:4:8: `[universe]` names a file, but this text has no folder"), "{found}");
}
