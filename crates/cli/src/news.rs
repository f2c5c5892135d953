//! What the engine tells besides decisions, as lines of the log.

use stoop::News;
use stoop::model::Asset;
use stoop::notice::{BackfillEnd, Missed};
use stoop::rules::asset_key;
use stoop::wire::{Me, Quota, format_ms};

/// Logs what the engine does not log itself.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other news is logged where it happens")]
pub(crate) fn log(news: &News) {
    match news {
        News::Plan(me) => plan(me),
        News::Backfill { from_ns, to_ns, rows, end } => backfill((*from_ns, *to_ns), *rows, end),
        News::Missed(missed) => tracing::warn!("missed while the feed was down: {}", line(missed)),
        _ => {}
    }
}

/// Who holds the slot that the server says is taken.
fn plan(me: &Me) {
    let of = |quota: Quota| {
        let [count, limit] = [quota.count, quota.limit].map(|n| n.map_or("?".to_owned(), |n| n.to_string()));
        format!("{count} of {limit}")
    };
    let (plan, connections, accounts) = (me.plan.as_deref(), of(me.sockets), of(me.accounts));
    tracing::warn!(plan = plan.unwrap_or("unknown"), connections, accounts, "what the plan is used for");
}

fn backfill((from_ns, to_ns): (i64, i64), rows: u64, end: &BackfillEnd) {
    let [from, to] = [from_ns, to_ns].map(|ns| shown(Some(ns / 1_000_000)));
    match end {
        BackfillEnd::Whole => tracing::info!(rows, "history has filled the gap from {from} to {to}"),
        BackfillEnd::Part(why) => {
            tracing::warn!(rows, why, "history has filled a part of the gap from {from} to {to}");
        }
        BackfillEnd::NotInPlan => tracing::warn!(
            "the plan of this key has no history: the gap from {from} to {to} stays, and so will later ones; \
             going on without history"
        ),
        BackfillEnd::Failed(why) => {
            tracing::warn!(why, "history cannot be read: the gap from {from} to {to} stays");
        }
        end => tracing::warn!(?end, "the gap from {from} to {to}"),
    }
}

/// A missed signal for people: which rule, on what, when.
fn line(missed: &Missed) -> String {
    let Missed { rule, platform, tweet_id, author, link, asset, created_ms, .. } = missed;
    let author = author.as_deref().unwrap_or("unknown");
    let link = link.as_deref().map_or(String::new(), |link| format!(", {link}"));
    let (about, posted) = (asset.as_ref().map_or(String::new(), about), shown(*created_ms));
    format!("rule {} on {platform} {tweet_id} by {author}{about}, posted {posted}{link}", rule.name)
}

fn about(asset: &Asset) -> String {
    let class = asset.class.as_str();
    let key = asset_key(Some(asset));
    let name = asset.market.as_ref().or(asset.symbol.as_ref()).or(asset.contract.as_ref());
    format!(", {class} {}", name.unwrap_or(&key))
}

fn shown(ms: Option<i64>) -> String {
    ms.and_then(format_ms).unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stoop::model::{AssetClass, Platform, RuleLabel, Side, TweetId};

    use super::*;

    #[test]
    fn a_missed_signal_is_a_line_for_people() {
        let asset = Asset {
            class: AssetClass::Ticker,
            symbol: Some("EDGE".to_owned()),
            contract: None,
            chain: None,
            venue: None,
            market: None,
            sources: Vec::new(),
        };
        let missed = Missed {
            rule: Arc::new(RuleLabel {
                name: "listing".to_owned(),
                hash: [0; 8],
                side: Side::Buy,
                destination: String::new(),
                params: String::new(),
            }),
            platform: Platform::Twitter,
            tweet_id: TweetId::Number(7),
            author: Some("marketdesk".to_owned()),
            link: None,
            asset: Some(asset),
            created_ms: Some(1_781_095_199_900),
            decided_ns: 0,
        };
        let expect = "rule listing on twitter 7 by marketdesk, ticker EDGE, posted 2026-06-10T12:39:59.900Z";
        assert_eq!(line(&missed), expect);
        let bare = Missed { author: None, asset: None, created_ms: None, ..missed };
        assert_eq!(line(&bare), "rule listing on twitter 7 by unknown, posted unknown");
    }
}
