//! Short cuts against the full evaluation: they lose nothing that decides.

use proptest::prelude::*;
use stoop_model::{Platform, TweetId};
use stoop_wire::{Decoder, Limits};

use super::cooldown::Cooldowns;
use super::evaluation::Evaluation;
use crate::Stamp;
use crate::merge::{Merge, View, Window};
use crate::rules::{Condition, RuleSet, Stage, could_open};

/// Views of one tweet after its content, and after its enrichment if there is one.
fn views(body: &str, ocr: &str, detected: Option<&str>) -> Vec<View> {
    let content = format!(
        r#"{{"t":"tweet","op":"content","d":{{"tweetId":"1","text":{body:?},"author":{{"handle":"a","name":{ocr:?}}}}}}}"#
    );
    let meta = detected.map(|detected| {
        format!(
            r#"{{"t":"tweet","op":"meta","d":{{"tweetId":"1","ocr":{{"text":{ocr:?}}},"detected":{detected}}}}}"#
        )
    });
    let (mut decoder, mut merge) = (Decoder::new(Limits::default()), Merge::new(Window::default()));
    let mut views = Vec::new();
    for frame in std::iter::once(content).chain(meta) {
        decoder.decode(frame.as_bytes(), |event| {
            merge.handle(event.unwrap(), Stamp { seq: 0, now_ns: 1, is_late: false }, &mut Vec::new());
        });
        views.push(merge.view(&TweetId::Number(1), &Platform::Twitter).unwrap().clone());
    }
    views
}

/// More terms than one vectorised search can hold.
fn filler() -> String {
    let terms: Vec<String> = (0..70).map(|number| format!("filler {number}")).collect();
    format!(
        "[[rule]]\nname = \"filler\"\nany = {terms:?}\n[[alias]]\nterms = [\"moon\"]\nmarket = \"binance:MOONUSDT\"\n"
    )
}

fn terms() -> impl Strategy<Value = String> {
    let list = || {
        prop::collection::vec(
            prop::sample::select(&["buy", "new*", "coin", "é", "$edge", "will list"][..]),
            1..3,
        )
    };
    let fields = prop::sample::subsequence(&["text", "ocr", "first_line", "name"][..], 1..4);
    let key = |key: &'static str| {
        prop::option::of(list())
            .prop_map(move |list| list.map_or(String::new(), |list| format!("{key} = {list:?}, ")))
    };
    (key("any"), key("all"), key("none"), fields, prop::sample::select(&["word", "substring"][..])).prop_map(
        |(any, all, none, fields, mode)| format!("{any}{all}{none}in = {fields:?}, match = {mode:?}"),
    )
}

fn assets() -> impl Strategy<Value = String> {
    let one =
        prop::sample::select(&["tokens = true", "cex = true", "prediction = true", "addresses = true"][..]);
    let some = prop::collection::btree_set(one, 1..3);
    prop::option::of(some).prop_map(|some| {
        let some = some.map(|some| some.into_iter().collect::<Vec<_>>().join(", "));
        some.map_or(String::new(), |some| format!("assets = {{ {some} }}"))
    })
}

fn rule() -> impl Strategy<Value = String> {
    let branch = (terms(), assets()).prop_map(|(terms, assets)| {
        format!(
            "{{ any = [\"buy\", \"coin\"], {} }}",
            if assets.is_empty() { terms.replace("any = ", "all = ") } else { assets }
        )
    });
    let branches = prop::collection::vec(branch, 0..3);
    (terms(), assets(), branches, any::<bool>()).prop_filter_map(
        "a key twice",
        |(terms, assets, branches, emits)| {
            let branches = branches.join(", ");
            let any_of = if branches.is_empty() { String::new() } else { format!("any_of = [{branches}]") };
            let emit = if emits { "emit = [\"binance:DOGEUSDT\"]" } else { "" };
            let rule = format!(
                "[[rule]]\nname = \"r\"\n{}\n{assets}\n{any_of}\n{emit}\n",
                terms.replace("], ", "]\n")
            );
            RuleSet::parse("rules.toml", &rule).is_ok().then_some(rule)
        },
    )
}

fn body() -> impl Strategy<Value = String> {
    let word = prop::sample::select(
        &[
            "buy",
            "newly",
            "a coin",
            "coin",
            "É",
            "$EDGE",
            "moon",
            "will",
            "list",
            "\n",
            "@b",
            "https://x.y",
            "7GCihgDB8fe6KNjn2MYtkzZcRjQy3t9GHdC8uHYmW2hr",
            "filler 7",
        ][..],
    );
    prop::collection::vec(word, 0..5).prop_map(|words| words.join(" "))
}

fn detected() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::of(prop::sample::select(
        &[
            "{}",
            r#"{"tokens":[{"symbol":"EDGE"}]}"#,
            r#"{"tokens":[{"symbol":"SOL","contract":"7GCihgDB8fe6KNjn2MYtkzZcRjQy3t9GHdC8uHYmW2hr"}]}"#,
            r#"{"cex":[{"exchange":"binance","symbol":"EDGEUSDT"}]}"#,
            r#"{"prediction":[{"exchange":"kalshi","marketId":"K"}]}"#,
        ][..],
    ))
}

proptest! {
    #[test]
    fn a_rule_that_could_open_nothing_opens_nothing_and_a_scout_misses_no_term(
        rule in rule(), body in body(), ocr in body(), detected in detected(),
    ) {
        let set = RuleSet::parse("rules.toml", &format!("{rule}{}", filler())).unwrap();
        let of = &set.rules[0];
        for view in views(&body, &ocr, detected) {
            let tested = [false, true].map(|is_scouted| {
                let mut evaluation = Evaluation::default();
                evaluation.reading.begin(&view);
                evaluation.reading.texts.is_scouted = is_scouted;
                let cooldowns = Cooldowns::default();
                let mut facts = evaluation.facts(&set, (0, of), &view, (1, false), &cooldowns);
                let failed = Condition::first_failed::<{ Stage::View as u8 }>(&mut facts);
                let opens = failed.is_none() && {
                    facts.found.pass(&set, of, &view, facts.reading);
                    let found = facts.found;
                    found.holds_without_asset || !found.emitting.is_empty() || !found.passing.is_empty()
                };
                (failed, opens)
            });
            prop_assert_eq!(tested[0], tested[1]);
            prop_assert!(!tested[0].1 || could_open(&set, of, &view), "{:?}", tested[0]);
        }
    }
}
