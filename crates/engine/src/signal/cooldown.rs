//! Cooldowns: recent opens, so that a coin opens once.

use std::collections::{BTreeMap, BTreeSet};

use smallvec::SmallVec;
use stoop_model::{Asset, DecisionId, HashMap};

use crate::merge::is_evm;
use crate::rules::{CooldownBy, Cooling, Rule, asset_key};
use crate::state::{CooldownState, Scope, State};

/// Cooldowns that run at one time; beyond them the one that ends first is forgotten.
pub const COOLDOWNS: usize = 65_536;

/// The subject of a cooldown, as texts: a coin has one for its contract and one for its symbol, if they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subject(SmallVec<[String; 2]>);

const CONTRACT: &str = "contract:";
const SYMBOL: &str = "symbol:";

impl Subject {
    /// The subject that an open on `asset` of a post by `author` cools down.
    pub(super) fn of(by: CooldownBy, asset: Option<&Asset>, author: Option<&str>) -> Self {
        Self(match by {
            CooldownBy::Rule => SmallVec::from_iter(["rule".to_owned()]),
            CooldownBy::Author => SmallVec::from_iter([format!("author:{}", author.unwrap_or_default())]),
            CooldownBy::Asset => {
                let contract = asset.and_then(|asset| asset.contract.as_deref()).map(|contract| {
                    let lower = is_evm(contract).then(|| contract.to_ascii_lowercase());
                    format!("{CONTRACT}{}", lower.as_deref().unwrap_or(contract))
                });
                let symbol = asset.and_then(|asset| asset.symbol.as_deref());
                let symbol = symbol.map(|symbol| format!("{SYMBOL}{}", symbol.to_uppercase()));
                let mut texts: SmallVec<[String; 2]> = contract.into_iter().chain(symbol).collect();
                // Neither contract nor symbol: a prediction market, or no asset at all.
                if texts.is_empty() {
                    texts.push(asset_key(asset));
                }
                texts
            }
        })
    }

    fn has_contract(&self) -> bool {
        self.0.first().is_some_and(|text| text.starts_with(CONTRACT))
    }

    /// The same contract where both have one, else the same symbol.
    fn is(&self, other: &Self) -> bool {
        // Two contracts are compared as such, so that one symbol can stand for two coins. If one side has none, its
        // symbol must do.
        let skip = usize::from(!(self.has_contract() && other.has_contract()) && self.has_contract());
        let others = &other.0;
        match self.0.get(skip) {
            Some(text) => others.contains(text),
            None => false,
        }
    }
}

#[derive(Debug)]
struct Entry {
    rule: usize,
    subject: Subject,
    /// The decision whose open began it.
    decision: DecisionId,
    /// Until when nothing opens, Unix ns.
    until_ns: i64,
    /// Until when a cancel of the decision ends it, Unix ns.
    expires_ns: i64,
}

/// The cooldowns of all rules, each by its place among all begun.
#[derive(Default)]
pub(super) struct Cooldowns {
    entries: BTreeMap<u64, Entry>,
    // Looked up and never iterated: the order of a hash map must not reach a decision.
    by_text: HashMap<(usize, String), Vec<u64>>,
    by_decision: HashMap<DecisionId, u64>,
    /// In the order in which they end.
    by_end: BTreeSet<(i64, u64)>,
    begun: u64,
    changes: Option<Changes>,
}

/// Changes since the last request for them.
#[derive(Default)]
struct Changes {
    dirty: BTreeSet<u64>,
    gone: Vec<u64>,
}

impl Cooling for Cooldowns {
    fn left_ns(
        &self,
        rule: usize,
        by: CooldownBy,
        asset: Option<&Asset>,
        author: Option<&str>,
        now_ns: i64,
    ) -> Option<i64> {
        let subject = Subject::of(by, asset, author);
        let texts = subject.0.iter().filter_map(|text| self.by_text.get(&(rule, text.clone())));
        let entries = texts.flatten().filter_map(|serial| self.entries.get(serial));
        let entries = entries.filter(|entry| now_ns < entry.until_ns && subject.is(&entry.subject));
        entries.map(|entry| entry.until_ns - now_ns).max()
    }
}

impl Cooldowns {
    /// A decision has opened at `now_ns`. True if another cooldown was forgotten before it was over.
    pub(super) fn begin(
        &mut self,
        rule: usize,
        subject: Subject,
        decision: DecisionId,
        now_ns: i64,
        until_ns: i64,
        expires_ns: i64,
    ) -> bool {
        // Ended cooldowns go first, so that a running one is pushed out only if all of them run.
        while self.by_end.first().is_some_and(|(until_ns, _)| *until_ns <= now_ns) {
            self.forget_first();
        }
        let is_full = self.entries.len() >= COOLDOWNS;
        if is_full {
            self.forget_first();
        }
        self.insert(self.begun, Entry { rule, subject, decision, until_ns, expires_ns });
        self.begun += 1;
        is_full
    }

    /// The asset of a decision has changed: its cooldown follows.
    pub(super) fn learn(&mut self, rule: &Rule, decision: DecisionId, asset: &Asset) {
        let Some(serial) = self.by_decision.get(&decision).copied() else { return };
        if rule.cooldown.is_none_or(|cooldown| cooldown.by != CooldownBy::Asset) {
            return;
        }
        let Some(mut entry) = self.remove(serial) else { return };
        entry.subject = Subject::of(CooldownBy::Asset, Some(asset), None);
        // Under its old serial and end: a revise does not prolong a cooldown.
        self.insert(serial, entry);
    }

    /// The decision was cancelled at `now_ns`: within its ttl that ends the cooldown it began.
    pub(super) fn cancel(&mut self, decision: DecisionId, now_ns: i64) {
        let Some(serial) = self.by_decision.get(&decision).copied() else { return };
        if self.entries.get(&serial).is_some_and(|entry| now_ns <= entry.expires_ns) {
            self.forget(serial);
        }
    }

    fn insert(&mut self, serial: u64, entry: Entry) {
        for text in &entry.subject.0 {
            self.by_text.entry((entry.rule, text.clone())).or_default().push(serial);
        }
        self.by_decision.insert(entry.decision, serial);
        self.by_end.insert((entry.until_ns, serial));
        self.entries.insert(serial, entry);
        if let Some(changes) = &mut self.changes {
            changes.dirty.insert(serial);
        }
    }

    fn remove(&mut self, serial: u64) -> Option<Entry> {
        let entry = self.entries.remove(&serial)?;
        self.by_end.remove(&(entry.until_ns, serial));
        for text in &entry.subject.0 {
            let key = (entry.rule, text.clone());
            if let Some(serials) = self.by_text.get_mut(&key) {
                serials.retain(|other| *other != serial);
                if serials.is_empty() {
                    self.by_text.remove(&key);
                }
            }
        }
        // An id may open again once its tweet was forgotten; its later cooldown must stay findable.
        if self.by_decision.get(&entry.decision) == Some(&serial) {
            self.by_decision.remove(&entry.decision);
        }
        Some(entry)
    }

    /// Forgets the one that ends first.
    fn forget_first(&mut self) {
        if let Some((_, serial)) = self.by_end.first().copied() {
            self.forget(serial);
        }
    }

    fn forget(&mut self, serial: u64) {
        if self.remove(serial).is_some()
            && let Some(changes) = &mut self.changes
        {
            changes.dirty.remove(&serial);
            changes.gone.push(serial);
        }
    }

    /// Adds what it remembers to `state`.
    pub(super) fn save(&mut self, scope: Scope, rules: &[Rule], state: &mut State) {
        state.head.cooldowns = self.begun;
        let is_first = scope == Scope::Changes && self.changes.is_none();
        if is_first {
            self.changes = Some(Changes::default());
        }
        let saved = |(serial, entry): (&u64, &Entry)| {
            Some(CooldownState {
                serial: *serial,
                rule: rules.get(entry.rule)?.label.name.clone(),
                subject: entry.subject.0.to_vec(),
                decision: entry.decision,
                until_ns: entry.until_ns,
                expires_ns: entry.expires_ns,
            })
        };
        if let Some(changes) = self.changes.as_mut().filter(|_| scope == Scope::Changes && !is_first) {
            let dirty = std::mem::take(&mut changes.dirty);
            let entries = dirty.iter().filter_map(|serial| self.entries.get_key_value(serial));
            state.cooldowns.extend(entries.filter_map(saved));
            state.gone.cooldowns.append(&mut changes.gone);
            return;
        }
        state.cooldowns.extend(self.entries.iter().filter_map(saved));
    }

    /// Restores the cooldowns of an earlier engine into one that has none. Those of removed rules are left out.
    pub(super) fn restore(&mut self, state: &State, rules: &[Rule]) {
        for saved in &state.cooldowns {
            let Some(rule) = rules.iter().position(|rule| rule.label.name == saved.rule) else { continue };
            let subject = Subject(saved.subject.iter().cloned().collect());
            let (decision, until_ns, expires_ns) = (saved.decision, saved.until_ns, saved.expires_ns);
            self.insert(saved.serial, Entry { rule, subject, decision, until_ns, expires_ns });
        }
        self.begun = state.head.cooldowns;
    }
}
