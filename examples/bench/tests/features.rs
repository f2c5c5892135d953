//! This package asks for no feature of `stoop`: what a configuration then cannot ask for says so, with its place.

use stoop::{Config, Engine, EngineError, Key};

#[test]
fn a_section_whose_feature_is_missing_is_an_error_with_its_place() {
    for (text, feature, place) in [
        ("[store]\npath = \"state\"", "store", "2:8"),
        ("\n[tape]\ndir = \"tapes\"", "tape", "3:7"),
        ("[feed]\nbackfill = true", "rest", "2:12"),
        ("[feed]\nbackfill_delay = \"1s\"", "rest", "2:18"),
        ("[feed]\napi = \"https://api.example\"", "rest", "2:7"),
    ] {
        let error = Config::parse("stoop.toml", text).expect_err(text).to_string();
        assert!(error.starts_with(&format!("stoop.toml:{place}: ")), "{error}");
        assert!(error.contains(&format!("lacks the cargo feature `{feature}`")), "{error}");
    }
}

#[test]
fn what_is_switched_off_needs_no_feature() {
    for text in [
        "[store]\npath = \"\"",
        "[tape]\ndir = \"\"",
        "[feed]\nbackfill = false",
        "[series]\n\"$EDGE\" = \"EDGEUSDT\"",
    ] {
        Config::parse("stoop.toml", text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    assert_eq!(Config::default().backfill, None);
}

#[test]
fn what_is_set_in_code_is_an_error_when_the_engine_starts() {
    let mut config = Config::parse("stoop.toml", "[[rule]]\nname = \"all\"").expect("a configuration");
    config.store = Some("state".into());
    let engine = Engine::builder().config(config).key(Key::new("k").expect("a key")).start();
    let error = engine.expect_err("there is no store");
    assert!(matches!(error, EngineError::Feature { setting: "store", feature: "store" }), "{error}");
}

#[test]
fn compressed_frames_name_the_feature_that_reads_them() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/frames/day.jsonl.gz");
    let error = own_frames::read(path, &Config::default()).expect_err("they are compressed");
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    assert!(source.contains("lacks the cargo feature `tape`"), "{error}: {source}");
}
