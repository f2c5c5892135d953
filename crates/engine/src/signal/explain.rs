//! Why a rule fired on a tweet, or which condition failed first, with the values compared.

use std::fmt;

use stoop_model::{Asset, AuthorField, TextField};

use super::cooldown::{Cooldowns, Subject};
use super::evaluation::{Bench, Failed};
use super::ident::asset_key;
use super::line::is_stale;
use super::{RuleSet, Signal};
use crate::merge::View;
use crate::rules::asset::emitted;
use crate::rules::rule::{AssetFilter, Rule, Term};
use crate::rules::written::Form;

/// A condition of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The content has not come, or the tweet was deleted.
    Tweet,
    /// `authors`.
    Authors,
    /// `platforms`.
    Platforms,
    /// `kinds`.
    Kinds,
    /// `min_followers`.
    MinFollowers,
    /// `verified`.
    Verified,
    /// `any`.
    Any,
    /// `all`.
    All,
    /// `none`.
    None,
    /// `any_of`.
    AnyOf,
    /// `assets`.
    Assets,
    /// `tradable`.
    Tradable,
    /// `cooldown`.
    Cooldown,
    /// `enabled`.
    Enabled,
    /// `allow_late`.
    Late,
    /// `max_age`.
    MaxAge,
}

/// What one rule makes of one tweet.
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
    /// What every rule makes of `view` at `now_ns`, in order. Changes nothing that is decided.
    pub fn explain(&mut self, view: &View, now_ns: i64) -> Vec<Explanation> {
        let Self { set, bench, strategies, cooldowns, .. } = self;
        bench.begin(view);
        let mut explanations = Vec::with_capacity(set.rules.len());
        for (index, rule) in set.rules.iter().enumerate() {
            let (mut failed, mut detail) = judge(set, bench, index, rule, view, now_ns);
            if failed.is_none()
                && let Some((by, why)) = held_back(set, bench, cooldowns, index, rule, view, now_ns)
            {
                (failed, detail) = (Some(by), why);
            }
            let mut explanation = Explanation { rule: rule.label.name.clone(), failed, detail };
            // It is not asked for an explanation: its memory would change.
            if explanation.failed.is_none() && strategies.stands_behind(index) {
                explanation.detail.push_str("; its strategy decides");
            }
            explanations.push(explanation);
        }
        explanations
    }
}

/// What the universe or a cooldown holds back, if that leaves nothing to open.
fn held_back(
    set: &RuleSet,
    bench: &Bench,
    cooldowns: &Cooldowns,
    index: usize,
    rule: &Rule,
    view: &View,
    now_ns: i64,
) -> Option<(Condition, String)> {
    let reader = bench.candidates.with(view, &set.aliases);
    let passing = bench.passing.iter().filter_map(|index| bench.candidates.list().get(*index));
    let mut assets: Vec<Option<Asset>> = if rule.emit.is_empty() {
        passing.map(|candidate| Some(reader.asset(candidate))).collect()
    } else {
        rule.emit.iter().map(|market| Some(emitted(market))).collect()
    };
    if assets.is_empty() {
        assets.push(None);
    }
    let named = |assets: &[Option<Asset>]| list(assets.iter().map(|asset| asset_key(asset.as_ref())));
    if let Some(venues) = &rule.tradable {
        let all = named(&assets);
        assets.retain(|asset| {
            set.listings(asset.as_ref()).any(|listing| venues.is_empty() || venues.contains(&listing.venue))
        });
        if assets.is_empty() {
            let at = if venues.is_empty() { "any venue".to_owned() } else { venues.join(" or ") };
            return Some((Condition::Tradable, format!("the universe does not list {all} at {at}")));
        }
    }
    let cooldown = rule.cooldown?;
    let left_ns = |asset: &Option<Asset>| {
        let subject = Subject::of(cooldown.by, asset.as_ref(), bench.author(view));
        cooldowns.left_ns(index, &subject, now_ns)
    };
    let shortest_ns = assets.iter().map(left_ns).min().flatten()?;
    let detail = format!(
        "cooldown by {}: {} s left for {}",
        cooldown.by.as_str(),
        shortest_ns / 1_000_000_000,
        named(&assets)
    );
    Some((Condition::Cooldown, detail))
}

fn judge(
    set: &RuleSet,
    bench: &mut Bench,
    index: usize,
    rule: &Rule,
    view: &View,
    now_ns: i64,
) -> (Option<Condition>, String) {
    if view.content.is_none() || view.deleted {
        let what = if view.deleted { "the tweet was deleted" } else { "its content has not come" };
        return (Some(Condition::Tweet), what.to_owned());
    }
    if !rule.is_enabled {
        return (Some(Condition::Enabled), "the rule is not enabled".to_owned());
    }
    if let Err(failed) = bench.test(set, index, rule, view) {
        return refusal(set, bench, rule, view, failed);
    }
    bench.pass(set, rule, view);
    if bench.passing.is_empty() && !bench.holds_without_asset && rule.emit.is_empty() {
        return (Some(Condition::Assets), assets_refusal(set, bench, rule, view));
    }
    if view.is_late() && !rule.allow_late {
        let detail = "late: the feed has lost it, history brought it; allow_late is false";
        return (Some(Condition::Late), detail.to_owned());
    }
    if is_stale(rule, view, now_ns) {
        let age = view.created_ms().map(|created_ms| now_ns / 1_000_000 - created_ms);
        let age = age.map_or("unknown".to_owned(), |age| format!("{age} ms"));
        let limit = rule.max_age_ns.unwrap_or_default() / 1_000_000;
        return (Some(Condition::MaxAge), format!("its age is {age}, max_age {limit} ms"));
    }
    (None, found(set, bench, rule, view))
}

fn refusal(
    set: &RuleSet,
    bench: &mut Bench,
    rule: &Rule,
    view: &View,
    failed: Failed,
) -> (Option<Condition>, String) {
    let author = view.post().author();
    match failed {
        Failed::Author => {
            let who = bench.handle().map_or("unknown".to_owned(), |handle| format!("@{handle}"));
            let id = author.id().map_or(String::new(), |id| format!(" (id:{id})"));
            let wanted = rule.authors.as_ref().map(|authors| {
                let handles = authors.handles.iter().map(|handle| format!("@{handle}"));
                list(handles.chain(authors.ids.iter().map(|id| format!("id:{id}"))))
            });
            (Some(Condition::Authors), format!("author {who}{id} is not in {}", wanted.unwrap_or_default()))
        }
        Failed::Platform => {
            let platform = view.platform.as_ref().map_or("unknown", |platform| platform.as_str());
            let wanted = list(rule.platforms.iter().flatten().map(ToString::to_string));
            (Some(Condition::Platforms), format!("platform {platform} is not in {wanted}"))
        }
        Failed::Kind => {
            let wanted = list(rule.kinds.iter().map(|kind| kind.as_str().to_owned()));
            (Some(Condition::Kinds), format!("kind {} is not in {wanted}", bench.kind(view).as_str()))
        }
        Failed::Followers => {
            let count =
                author.number(AuthorField::Followers).map_or("unknown".to_owned(), |count| count.to_string());
            let least = rule.min_followers.unwrap_or_default();
            (Some(Condition::MinFollowers), format!("followers {count}, min_followers {least}"))
        }
        Failed::Verified => {
            let kind = author.field(AuthorField::VerifiedType).unwrap_or("unknown");
            let wanted = list(rule.verified.iter().flatten().cloned());
            (Some(Condition::Verified), format!("verified {kind} is not in {wanted}"))
        }
        Failed::Any => {
            let detail = format!("none of {} in {}", terms(&rule.terms.any), fields(&rule.terms.fields));
            (Some(Condition::Any), detail)
        }
        Failed::All => {
            let detail =
                format!("not all of {} in one of {}", terms(&rule.terms.all), fields(&rule.terms.fields));
            (Some(Condition::All), detail)
        }
        Failed::None(field) => {
            let vetoed = bench.reading.vetoed(&set.matcher, view, &rule.terms);
            let term = vetoed.map_or("", |(term, _)| &term.written);
            (Some(Condition::None), format!("\"{term}\" of `none` is in {}", field.as_str()))
        }
        Failed::Strategy => (None, String::new()),
        Failed::AnyOf => {
            let detail = format!("the terms of none of {} branches of `any_of` hold", rule.any_of.len());
            (Some(Condition::AnyOf), detail)
        }
    }
}

fn assets_refusal(set: &RuleSet, bench: &mut Bench, rule: &Rule, view: &View) -> String {
    let state = match (view.enriched_ns, rule.keeps_unnamed) {
        (None, _) => "no enrichment yet",
        (Some(_), false) => "enrichment has come: what it does not name does not count",
        (Some(_), true) => "enrichment has come; on_unnamed keeps what the text writes",
    };
    let reader = bench.candidates.with(view, &set.aliases);
    let there = list(bench.candidates.list().iter().map(|candidate| {
        let asset = reader.asset(candidate);
        let mark = if candidate.is_ambiguous { " (several contracts)" } else { "" };
        format!("{}{mark}", asset_key(Some(&asset)))
    }));
    let filters = rule.assets.iter().chain(rule.any_of.iter().filter_map(|branch| branch.assets.as_ref()));
    format!("assets there: {there} ({state}); the rule takes {}", list(filters.map(wanted)))
}

fn wanted(filter: &AssetFilter) -> String {
    let mut parts = Vec::new();
    if filter.tokens {
        parts.push("tokens".to_owned());
    }
    if !filter.cex.is_empty() {
        parts.push(format!("cex of {}", filter.cex.join("/")));
    }
    if !filter.prediction.is_empty() {
        parts.push(format!("prediction of {}", filter.prediction.join("/")));
    }
    if filter.addresses {
        parts.push("addresses".to_owned());
    }
    let mut wanted = vec![parts.join(" or ")];
    if let Some(forms) = filter.written {
        let forms: Vec<_> = forms.iter().map(Form::as_str).collect();
        wanted.push(format!("written as {}", forms.join("/")));
    }
    if filter.is_first_line {
        wanted.push("in the first line".to_owned());
    }
    for (symbols, what) in [(&filter.only, "only"), (&filter.except, "except")] {
        if !symbols.is_empty() {
            wanted.push(format!("{what} {}", symbols.join("/")));
        }
    }
    wanted.join(", ")
}

fn found(set: &RuleSet, bench: &mut Bench, rule: &Rule, view: &View) -> String {
    let matched = bench.matched(set, rule, view);
    let terms = list(matched.iter().map(|hit| format!("\"{}\" in {}", hit.term, hit.field.as_str())));
    let reader = bench.candidates.with(view, &set.aliases);
    let passing = bench.passing.iter().filter_map(|index| bench.candidates.list().get(*index));
    let mut assets: Vec<String> =
        passing.map(|candidate| asset_key(Some(&reader.asset(candidate)))).collect();
    assets.extend(rule.emit.iter().map(|market| format!("{}:{}", market.venue, market.name)));
    format!("terms: {terms}; assets: {}", list(assets.into_iter()))
}

fn terms(terms: &[Term]) -> String {
    list(terms.iter().map(|term| format!("\"{}\"", term.written)))
}

fn fields(fields: &[TextField]) -> String {
    list(fields.iter().map(|field| field.as_str().to_owned()))
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
