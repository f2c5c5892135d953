//! Decisions as readable lines.

use std::ops::ControlFlow;

use stoop::model::{Asset, AssetClass, Decision, DecisionId, DecisionKind};

use crate::consume::Sink;
use crate::failure::Failure;
use crate::output::Lines;

const TEXT_CHARS: usize = 90;

/// Shows a post once, and below it each decision on it as it comes.
pub(crate) struct Pretty {
    lines: Lines,
    last_tweet: String,
    opened: Vec<(DecisionId, i64)>,
}

impl Pretty {
    pub(crate) fn new(lines: Lines) -> Self {
        Self { lines, last_tweet: String::new(), opened: Vec::new() }
    }

    pub(crate) fn line(&mut self, text: &str) -> Result<ControlFlow<()>, Failure> {
        self.lines.write_text(text)
    }

    fn post(&mut self, decision: &Decision) -> Result<ControlFlow<()>, Failure> {
        let tweet = decision.tweet_id.to_string();
        if tweet == self.last_tweet {
            return Ok(ControlFlow::Continue(()));
        }
        self.last_tweet = tweet;
        let author = decision.author.as_deref().unwrap_or("unknown");
        let text = excerpt(&decision.text);
        self.lines.write_text(&format!(
            "\n@{author} ({}, {}): {text}",
            decision.tweet_kind.as_str(),
            decision.platform
        ))
    }
}

impl Sink for Pretty {
    fn take(&mut self, decision: &Decision) -> Result<ControlFlow<()>, Failure> {
        if self.post(decision)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let since = self.opened.iter().find(|(id, _)| *id == decision.id);
        let when = match (decision.kind, since, decision.latency) {
            (DecisionKind::Open, _, Some(latency)) => {
                format!("decided in {:.1} µs", latency.total as f64 / 1e3)
            }
            (_, Some((_, opened_ns)), _) => {
                format!("{} ms after the open", (decision.decided_ns - opened_ns) / 1_000_000)
            }
            (_, None, _) => String::new(),
        };
        if decision.kind == DecisionKind::Open {
            self.opened.push((decision.id, decision.decided_ns));
        }
        let what = match (&decision.previous_asset, &decision.asset) {
            (Some(before), Some(now)) => format!("{} → {}", name(before), name(now)),
            (_, Some(now)) => name(now),
            (_, None) => "no asset".to_owned(),
        };
        let reason = decision.reason.map_or(String::new(), |reason| format!(" ({})", reason.as_str()));
        self.lines.write_text(&format!(
            "  {:<8}{:<20} {:<6} {what}{reason}  [{when}]",
            decision.kind.as_str(),
            decision.rule.name,
            decision.rule.side.as_str()
        ))
    }

    fn tell(&mut self, line: &str) -> Result<ControlFlow<()>, Failure> {
        self.lines.write_text(line)
    }

    fn rest(&mut self) -> Result<ControlFlow<()>, Failure> {
        self.lines.flush()
    }
}

/// The first part of a body on one line.
pub(crate) fn excerpt(text: &str) -> String {
    let line: String = text.chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter }).collect();
    let short: String = line.chars().take(TEXT_CHARS).collect();
    match (short.is_empty(), line.len() > short.len()) {
        (true, _) => "(a picture without words)".to_owned(),
        (false, true) => format!("{short}…"),
        (false, false) => short,
    }
}

fn name(asset: &Asset) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
    match asset.class {
        AssetClass::Ticker => format!("${}", part(&asset.symbol)),
        AssetClass::Token => {
            let chain = asset.chain.as_ref().map_or(String::new(), |chain| format!(" on {chain}"));
            let contract =
                asset.contract.as_ref().map_or(String::new(), |contract| format!(" {}", short(contract)));
            format!("${}{chain}{contract}", part(&asset.symbol))
        }
        AssetClass::Address => format!("address {}", short(&part(&asset.contract))),
        AssetClass::Cex | AssetClass::Prediction => format!("{} {}", part(&asset.venue), part(&asset.market)),
    }
}

fn short(contract: &str) -> String {
    let letters: Vec<char> = contract.chars().collect();
    if letters.len() <= 12 {
        return contract.to_owned();
    }
    format!(
        "{}…{}",
        letters[..6].iter().collect::<String>(),
        letters[letters.len() - 4..].iter().collect::<String>()
    )
}
