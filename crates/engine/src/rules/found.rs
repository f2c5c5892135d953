//! The findings of a rule in the current view: branches that hold, assets that pass.

use stoop_model::{Asset, AssetClass, Evidence, Matched, TextField};

use super::asset::{Reader, evidence_of};
use super::candidates::Candidate;
use super::conditions::Rule;
use super::reading::Reading;
use super::rule::{Term, Terms};
use super::set::RuleSet;
use super::written::{Form, Forms};
use crate::merge::View;

/// The findings of the current rule; assets and branches are indices. Buffers are reused from rule to rule.
#[derive(Default)]
pub(crate) struct Found {
    /// Candidates that the rule accepts.
    pub(crate) passing: Vec<usize>,
    /// The branches of `any_of` whose terms hold.
    pub(crate) branches: Vec<usize>,
    /// Those of them whose assets are there too.
    holding: Vec<usize>,
    /// A branch that needs no asset holds, or the rule asks for none.
    pub(crate) holds_without_asset: bool,
    /// The markets of `emit` that are decided on.
    pub(crate) emitting: Vec<usize>,
    /// Candidates that the rule accepts and its strategy does not.
    pub(crate) refused: Vec<usize>,
    /// For explanations: the opens that conditions have admitted so far.
    pub(crate) opens: Vec<Option<Asset>>,
}

impl Found {
    /// After a test that failed: nothing passes.
    pub(crate) fn fail(&mut self) {
        self.passing.clear();
        self.refused.clear();
        self.holds_without_asset = false;
        self.emitting.clear();
    }

    /// After a test that held: some asset could pass.
    pub(crate) fn takes_assets(&self, rule: &Rule) -> bool {
        let mut branches = self.branches.iter().filter_map(|index| rule.any_of.get(*index));
        rule.assets.is_some() || branches.any(|branch| branch.assets.is_some())
    }

    /// After a test that held: finds the candidates that pass, and whether the rule holds without one.
    ///
    /// A rule with `emit` decides on no candidate. One that passes only lets its branch of `any_of` hold.
    pub(crate) fn pass(&mut self, set: &RuleSet, rule: &Rule, view: &View, reading: &mut Reading) {
        self.passing.clear();
        self.refused.clear();
        self.emitting.clear();
        // `emit` already names what to decide on, so the rule's own `assets` are not looked at.
        let assets = rule.assets.as_ref().filter(|_| rule.emit.is_empty());
        let branch_assets =
            || self.branches.iter().filter_map(|index| rule.any_of.get(*index)?.assets.as_ref());
        let needs_none =
            |index: &usize| rule.any_of.get(*index).is_some_and(|branch| branch.assets.is_none());
        let is_free = rule.any_of.is_empty() || self.branches.iter().any(needs_none);
        self.holds_without_asset = rule.emit.is_empty() && assets.is_none() && is_free;
        // Collecting reads the whole text for coins and addresses: only rules that ask for assets pay for that.
        if assets.is_some() || branch_assets().next().is_some() {
            reading.candidates.collect(view, &mut reading.texts, set);
            let reader = reading.candidates.with(view, &set.aliases);
            let list = reading.candidates.list();
            for (index, candidate) in list.iter().enumerate() {
                let by_rule = assets.is_none_or(|filter| reader.is_taken(rule, filter, candidate));
                // A branch without assets lets through what the rule itself asks for.
                let by_branch = assets.is_some() && is_free
                    || branch_assets().any(|filter| reader.is_taken(rule, filter, candidate));
                if by_rule && by_branch {
                    self.passing.push(index);
                }
            }
            drop_named_tickers(&mut self.passing, list, reader);
            // Coins of the text in the order in which this rule finds them, whatever other rules look for.
            let is_ticker = |index: &usize| list.get(*index).is_some_and(|it| it.class == AssetClass::Ticker);
            let begin = self.passing.iter().position(is_ticker).unwrap_or(self.passing.len());
            let count = self.passing.iter().skip(begin).take_while(|index| is_ticker(index)).count();
            if let Some(coins) = self.passing.get_mut(begin..begin + count).filter(|coins| coins.len() > 1) {
                let filters = || assets.into_iter().chain(branch_assets());
                coins.sort_by_key(|index| {
                    let coin = list.get(*index)?;
                    let forms =
                        filters().fold(Forms::NONE, |forms, filter| forms.or(reader.forms(filter, coin)));
                    coin.first_place(forms)
                });
            }
        }
        if is_free || !self.passing.is_empty() {
            self.emitting.extend(0..rule.emit.len());
        }
        self.keep_holding(set, rule, view, reading);
    }

    /// Of the branches whose terms hold, those whose assets are there too.
    fn keep_holding(&mut self, set: &RuleSet, rule: &Rule, view: &View, reading: &Reading) {
        let list = reading.candidates.list();
        let reader = reading.candidates.with(view, &set.aliases);
        let holds = |index: &usize| {
            let filter = rule.any_of.get(*index).and_then(|branch| branch.assets.as_ref());
            filter.is_none_or(|filter| list.iter().any(|candidate| reader.is_taken(rule, filter, candidate)))
        };
        self.holding.clear();
        self.holding.extend(self.branches.iter().copied().filter(holds));
    }

    /// The evidence for a candidate, which is `asset`: how the text writes a coin if neither vendor nor alias named
    /// it.
    pub(crate) fn evidence(
        &self,
        set: &RuleSet,
        rule: &Rule,
        view: &View,
        reading: &Reading,
        index: usize,
        asset: &Asset,
    ) -> Evidence {
        let Some(candidate) = reading.candidates.list().get(index) else { return evidence_of(asset) };
        if candidate.class != AssetClass::Ticker {
            return evidence_of(asset);
        }
        let reader = reading.candidates.with(view, &set.aliases);
        let branches = self.branches.iter().filter_map(|index| rule.any_of.get(*index)?.assets.as_ref());
        let filters = rule.assets.iter().chain(branches);
        let forms = filters.fold(Forms::NONE, |forms, filter| forms.or(reader.forms(filter, candidate)));
        forms.iter().next().map_or(Evidence::Ticker, Form::evidence)
    }

    /// The terms of the rule that were found, in the rule's order.
    pub(crate) fn matched(
        &self,
        set: &RuleSet,
        rule: &Rule,
        view: &View,
        reading: &mut Reading,
    ) -> Vec<Matched> {
        let mut matched: Vec<Matched> = Vec::new();
        let branches =
            self.holding.iter().filter_map(|index| rule.any_of.get(*index).map(|branch| &branch.terms));
        for terms in std::iter::once(&rule.terms).chain(branches) {
            for (term, field) in pairs(terms) {
                let is_listed =
                    matched.iter().any(|known| known.term == term.written && known.field == field);
                if !is_listed && reading.texts.hit(&set.matcher, view, field, term) {
                    matched.push(Matched { term: term.written.clone(), field });
                }
            }
        }
        matched
    }
}

fn pairs(terms: &Terms) -> impl Iterator<Item = (&Term, TextField)> {
    let wanted = terms.any.iter().chain(&terms.all);
    wanted.flat_map(|term| terms.fields.iter().map(move |field| (term, *field)))
}

/// A coin of the text beside a passing token or market of its symbol is the same asset: contract, then market, then
/// ticker.
fn drop_named_tickers(passing: &mut Vec<usize>, list: &[Candidate], reader: Reader<'_>) {
    let of = |class: AssetClass, index: usize| list.get(index).filter(|candidate| candidate.class == class);
    let is_named = |passing: &[usize], index: usize| {
        let ticker = of(AssetClass::Ticker, index);
        let named = |class| passing.iter().filter_map(move |index| of(class, *index));
        let mut named = named(AssetClass::Token).chain(named(AssetClass::Cex));
        ticker.is_some_and(|ticker| named.any(|named| reader.same_symbol(ticker, named)))
    };
    // From the back, so that removing one does not move those still to be looked at. Tokens and markets always stay.
    for place in (0..passing.len()).rev() {
        if passing.get(place).is_some_and(|index| is_named(passing, *index)) {
            passing.remove(place);
        }
    }
}
