//! `cooldown`, `cooldown_by`: how long nothing else opens after an open.

use stoop_model::Asset;

use super::{Check, Facts, Rule, Stage, listed};
use crate::rules::asset::asset_key;
use crate::rules::parse::positive;
use crate::syntax::{SyntaxError, Table};

/// How long after an open nothing else opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cooldown {
    /// Its length from the open, ns.
    pub span_ns: i64,
    /// Its subject.
    pub by: CooldownBy,
}

/// The subject of a cooldown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CooldownBy {
    /// The coin: the same contract, else the same symbol.
    Asset,
    /// The author.
    Author,
    /// The rule: whatever it opens on.
    Rule,
}

impl CooldownBy {
    /// The name in rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asset => "asset",
            Self::Author => "author",
            Self::Rule => "rule",
        }
    }
}

/// Knows which cooldowns run.
pub(crate) trait Cooling {
    /// For how long, from `now_ns`, the rule does not open on the asset of a post by `author`; none: it may.
    fn left_ns(
        &self,
        rule: usize,
        by: CooldownBy,
        asset: Option<&Asset>,
        author: Option<&str>,
        now_ns: i64,
    ) -> Option<i64>;
}

impl Check for Cooldown {
    const KEYS: &'static [&'static str] = &["cooldown", "cooldown_by"];
    const STAGE: Stage = Stage::Asset;

    fn holds(facts: &mut Facts<'_>) -> bool {
        facts.keep_admitted::<Self>()
    }

    fn why(facts: &mut Facts<'_>) -> String {
        let by = facts.rule.cooldown.map_or("", |cooldown| cooldown.by.as_str());
        let left = facts.found.opens.iter().filter_map(|asset| left_ns(facts, asset.as_ref()));
        let shortest_s = left.min().unwrap_or_default() / 1_000_000_000;
        let all = listed(facts.found.opens.iter().map(|asset| asset_key(asset.as_ref())));
        format!("cooldown by {by}: {shortest_s} s left for {all}")
    }

    fn admits(facts: &Facts<'_>, asset: Option<&Asset>) -> bool {
        left_ns(facts, asset).is_none()
    }

    fn hashed(rule: &Rule) -> Option<String> {
        rule.cooldown.map(|cooldown| format!(";cooldown={} by {}", cooldown.span_ns, cooldown.by.as_str()))
    }
}

fn left_ns(facts: &Facts<'_>, asset: Option<&Asset>) -> Option<i64> {
    let by = facts.rule.cooldown?.by;
    facts.cooling.left_ns(facts.index, by, asset, facts.reading.author(facts.view), facts.now_ns)
}

pub(in crate::rules) fn read(table: &Table<'_>) -> Result<Option<Cooldown>, SyntaxError> {
    let kinds = [("asset", CooldownBy::Asset), ("author", CooldownBy::Author), ("rule", CooldownBy::Rule)];
    let by = table.choice("cooldown_by", &kinds)?.unwrap_or(CooldownBy::Asset);
    let span_ns = positive(table, "cooldown")?;
    if let Some(at) = table.get("cooldown_by").filter(|_| span_ns.is_none()) {
        return Err(at.error("`cooldown_by` says what a `cooldown` is for: give its length, such as \"24h\""));
    }
    Ok(span_ns.map(|span_ns| Cooldown { span_ns, by }))
}
