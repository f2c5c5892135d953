//! Why a rule fired on a tweet, or which condition failed first, with the values compared.

use std::fmt;

use super::Signal;
use crate::merge::View;
use crate::rules::{Condition, Facts, asset_key, listed};

/// The result of one rule on one tweet, explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Name of the rule.
    pub rule: String,
    /// The first condition that failed; none if the rule matches.
    pub failed: Option<Condition>,
    /// The values compared, or what was found.
    pub detail: String,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.failed.is_some() { "no" } else { "yes" };
        write!(f, "{}: {verdict}: {}", self.rule, self.detail)
    }
}

impl Signal {
    /// The results of all rules on `view` at `now_ns`, in order. Has no effect on decisions.
    pub fn explain(&mut self, view: &View, now_ns: i64) -> Vec<Explanation> {
        let Self { set, evaluation, strategies, cooldowns, .. } = self;
        evaluation.reading.begin(view);
        let mut explanations = Vec::with_capacity(set.rules.len());
        for (index, rule) in set.rules.iter().enumerate() {
            let mut facts = evaluation.facts(set, (index, rule), view, (now_ns, view.is_late()), cooldowns);
            let failed = Condition::ALL.iter().copied().find(|condition| !condition.holds(&mut facts));
            let mut detail = match failed {
                Some(condition) => condition.why(&mut facts),
                None => found(&mut facts),
            };
            // It is not asked for an explanation: its memory would change.
            if failed.is_none() && strategies.stands_behind(index) {
                detail.push_str("; its strategy decides");
            }
            explanations.push(Explanation { rule: rule.label.name.clone(), failed, detail });
        }
        explanations
    }
}

/// The terms and the assets on which a rule matches.
fn found(facts: &mut Facts<'_>) -> String {
    let Facts { set, rule, view, reading, found, .. } = facts;
    let matched = found.matched(set, rule, view, reading);
    let terms = listed(matched.iter().map(|hit| format!("\"{}\" in {}", hit.term, hit.field.as_str())));
    let reader = reading.candidates.with(view, &set.aliases);
    let passing = found.passing.iter().filter_map(|index| reading.candidates.list().get(*index));
    let mut assets: Vec<String> =
        passing.map(|candidate| asset_key(Some(&reader.asset(candidate)))).collect();
    assets.extend(rule.emit.iter().map(|market| format!("{}:{}", market.venue, market.name)));
    format!("terms: {terms}; assets: {}", listed(assets.into_iter()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stoop_model::{Platform, TweetId};

    use crate::rules::{Condition, Stage};
    use crate::syntax::{Source, Table};
    use crate::{
        Bounds, Explanation, Input, Origin, Pipeline, Receipt, RuleReader, RuleSet, RuleSetError, Universe,
    };

    const SECOND_NS: i64 = 1_000_000_000;
    /// When the first tweet was posted, Unix s.
    const ZERO_S: i64 = 1_700_000_000;

    /// A rule that nothing but this condition stops, and what is said of it. A new condition does not compile without
    /// one.
    fn refusal(condition: Condition) -> (&'static str, &'static str) {
        match condition {
            Condition::Tweet => ("", "the tweet was deleted"),
            Condition::Enabled => ("enabled = false", "the rule is not enabled"),
            Condition::Authors => (r#"authors = ["@b", "id:7"]"#, "author @a (id:5) is not in @b, id:7"),
            Condition::Platforms => {
                (r#"platforms = ["truth_social"]"#, "platform twitter is not in truth_social")
            }
            Condition::Kinds => (r#"kinds = ["reply", "quote"]"#, "kind post is not in reply, quote"),
            Condition::MinFollowers => ("min_followers = 1000", "followers 999, min_followers 1000"),
            Condition::Verified => (r#"verified = ["business"]"#, "verified blue is not in business"),
            Condition::Any => (r#"any = ["sell", "short"]"#, r#"none of "sell", "short" in text, ocr"#),
            Condition::All => {
                (r#"all = ["moon", "sell"]"#, r#"not all of "moon", "sell" in one of text, ocr"#)
            }
            Condition::None => (r#"none = ["sell", "moon"]"#, r#""moon" of `none` is in text"#),
            Condition::AnyOf => {
                (r#"any_of = [{ any = ["sell"] }]"#, "the terms of none of 1 branches of `any_of` hold")
            }
            Condition::Assets => (
                r#"assets = { cex = ["binance"] }"#,
                "assets there: none (no enrichment yet); the rule takes cex of binance",
            ),
            Condition::Late => {
                ("allow_late = false", "late: the feed has lost it, history brought it; allow_late is false")
            }
            Condition::MaxAge => (r#"max_age = "1s""#, "its age is 5000 ms, max_age 1000 ms"),
            Condition::Tradable => (
                "assets = { tokens = true }\ntradable = [\"binance\"]",
                "the universe does not list ticker:EDGE at binance",
            ),
            Condition::Cooldown => (
                "assets = { tokens = true }\ncooldown = \"1m\"",
                "cooldown by asset: 55 s left for ticker:EDGE",
            ),
        }
    }

    fn read(rule: &str) -> Result<RuleSet, RuleSetError> {
        let universe = Universe::parse("universe.csv", "symbol,venue,market\nEDGE,gateio,EDGE_USDT\n")
            .unwrap_or_else(|errors| panic!("{errors:?}"));
        let source = Source { name: "r.toml".to_owned(), text: format!("[[rule]]\nname = \"r\"\n{rule}\n") };
        let mut reader = RuleReader::default();
        reader.universe(Some(Arc::new(universe)));
        reader.read(&Table::root(&source, &source.parse().unwrap()));
        RuleSet::new(reader)
    }

    /// What the rule makes of one of four tweets: 1 came first, 3 was deleted, 4 is from history.
    fn explain(rule: &str, tweet: u64) -> Explanation {
        let set = read(rule).unwrap_or_else(|error| panic!("{rule}\n{error}"));
        let mut pipeline = Pipeline::new(set, Bounds::default(), 0);
        let content = |id: u64, at_s: i64| {
            let author = r#"{"handle":"@A","id":"5","verifiedType":"blue","followersCount":999}"#;
            format!(
                r#"{{"t":"tweet","op":"content","d":{{"tweetId":"{id}","createdAt":{at_s}000,
                    "text":"Moon $EDGE","author":{author}}}}}"#
            )
        };
        let deleted = r#"{"t":"tweet","op":"delete","d":{"tweetId":"3"}}"#.to_owned();
        let mut out = Vec::new();
        for (origin, bytes, at_s) in [
            (Origin::Endpoint(0), content(1, ZERO_S), ZERO_S),
            (Origin::Endpoint(0), content(2, ZERO_S), ZERO_S + 5),
            (Origin::Endpoint(0), content(3, ZERO_S), ZERO_S + 5),
            (Origin::Endpoint(0), deleted, ZERO_S + 5),
            (Origin::History, content(4, ZERO_S), ZERO_S + 5),
        ] {
            let receipt = Receipt::At(at_s * SECOND_NS);
            pipeline.handle(&Input::Frame { origin, bytes, receipt }, &mut out);
        }
        let Pipeline { merge, signal, .. } = &mut pipeline;
        let view =
            merge.view(&TweetId::Number(tweet), &Platform::Twitter).expect("the tweet is in the window");
        signal.explain(view, (ZERO_S + 5) * SECOND_NS).remove(0)
    }

    #[test]
    fn every_condition_is_explained_by_name_with_the_values_compared() {
        for &condition in Condition::ALL {
            let (rule, detail) = refusal(condition);
            let tweet = if condition == Condition::Tweet {
                3
            } else if condition == Condition::Late {
                4
            } else {
                2
            };
            let explanation = explain(rule, tweet);
            let expect =
                Explanation { rule: "r".to_owned(), failed: Some(condition), detail: detail.to_owned() };
            assert_eq!(explanation, expect);
            assert!(condition.keys().first().is_none_or(|key| rule.contains(key)), "{rule}");
        }
        let explanation = explain("assets = { tokens = true }", 2);
        assert_eq!(explanation.to_string(), "r: yes: terms: none; assets: ticker:EDGE");
    }

    #[test]
    fn the_parser_knows_the_keys_of_every_condition() {
        for key in Condition::ALL.iter().flat_map(|condition| condition.keys()) {
            // No key takes a number that is not whole: the error tells whether it is the key or the value.
            let error = read(&format!("{key} = 1.5")).err().map(|error| error.to_string());
            let error = error.unwrap_or_else(|| panic!("`{key}` is not read"));
            assert!(!error.contains("unknown key") && error.contains(key), "{key}: {error}");
        }
    }

    #[test]
    fn every_condition_is_in_the_table_once_and_with_those_of_its_stage() {
        let places: Vec<usize> = Condition::ALL.iter().map(|condition| *condition as usize).collect();
        assert_eq!(places, (0..Condition::ALL.len()).collect::<Vec<_>>());
        assert!(Condition::ALL.is_sorted_by_key(|condition| condition.stage()));
        // What becomes of these at an open is written for each by name, so that another one would be passed over.
        for alone in [Stage::Tweet, Stage::Assets, Stage::Late] {
            let count = Condition::ALL.iter().filter(|condition| condition.stage() == alone).count();
            assert_eq!(count, 1, "{alone:?}");
        }
    }
}
