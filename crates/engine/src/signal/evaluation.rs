//! One rule tested on one view.

use stoop_model::{Asset, AssetClass, AuthorField, Evidence, Matched, Platform, TextField, TweetKind};

use super::tweets::Life;
use crate::merge::View;
use crate::rules::asset::{Reader, evidence_of};
use crate::rules::authors::in_order;
use crate::rules::candidates::{Candidate, Candidates, could_be_taken};
use crate::rules::matcher::Reading;
use crate::rules::plain;
use crate::rules::rule::{AssetFilter, Branch, Rule, Term, Terms};
use crate::rules::set::RuleSet;
use crate::rules::written::{Form, Forms};

/// The first condition of a rule that a view does not meet, but for assets and age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    Author,
    Platform,
    Kind,
    Followers,
    Verified,
    Any,
    All,
    /// A term of `none` was found here.
    None(TextField),
    AnyOf,
    /// The strategy behind it takes nothing.
    Strategy,
}

/// Rules up to which each sends a scout before the texts of a view are searched for the terms of all.
const FEW_RULES: usize = 4;

/// The view at hand, read once for all rules.
#[derive(Default)]
pub(super) struct Bench {
    pub(super) reading: Reading,
    pub(super) candidates: Candidates,
    kind: Option<TweetKind>,
    handle: String,
    has_handle: bool,
    /// Rules that take the author's posts, once somebody has asked.
    takers: Vec<usize>,
    has_takers: bool,
    /// Candidates the rule at hand takes, by index.
    pub(super) passing: Vec<usize>,
    /// Indices of the branches of `any_of` whose terms hold.
    branches: Vec<usize>,
    /// Those of them whose assets are there too.
    holding: Vec<usize>,
    /// A branch that needs no asset holds, or the rule asks for none.
    pub(super) holds_without_asset: bool,
    /// The markets of `emit` that are decided on, by index.
    pub(super) emitting: Vec<usize>,
    /// Candidates the rule takes and the strategy behind it does not, by index.
    pub(super) refused: Vec<usize>,
}

impl Bench {
    /// Takes up a view.
    pub(super) fn begin(&mut self, view: &View) {
        self.reading.begin();
        self.candidates.begin();
        self.kind = None;
        self.has_takers = false;
        self.handle.clear();
        let handle = view.post().author().handle();
        self.has_handle = handle.is_some();
        if let Some(handle) = handle {
            plain::lower(handle, &mut self.handle);
        }
    }

    /// The author's handle as rules and decisions have it.
    pub(super) fn handle(&self) -> Option<&str> {
        self.has_handle.then_some(self.handle.as_str())
    }

    /// The author as cooldowns tell them apart: by handle, else by id.
    pub(super) fn author<'a>(&'a self, view: &'a View) -> Option<&'a str> {
        self.handle().or_else(|| view.post().author().id())
    }

    /// What sort of post the view is.
    pub(super) fn kind(&mut self, view: &View) -> &TweetKind {
        self.kind.get_or_insert_with(|| view.post().kind())
    }

    /// The rules that are to be tested, in order: those that take the author's posts or may come to, and those of
    /// `lives`. All others fail by their author and have nothing to lead.
    pub(super) fn due(&mut self, set: &RuleSet, view: &View, lives: &[Life], due: &mut Vec<usize>) {
        due.clear();
        due.extend(self.takers(set, view));
        set.authors.hopeful(self.handle(), view.post().author().id(), due);
        due.extend(lives.iter().filter_map(|life| life.rule));
        in_order(due);
        self.reading.is_scouted = due.len() <= FEW_RULES;
    }

    fn takers(&mut self, set: &RuleSet, view: &View) -> &[usize] {
        if !std::mem::replace(&mut self.has_takers, true) {
            let handle = self.has_handle.then_some(self.handle.as_str());
            self.takers.clear();
            set.authors.takers(handle, view.post().author().id(), &mut self.takers);
        }
        &self.takers
    }

    /// The rule could open something on the view: of the assets it cannot do without, some could be there.
    ///
    /// Says yes too often and never wrongly no. It costs a glance at the view; to test the terms is to fold and to
    /// search its texts.
    pub(super) fn could_open(set: &RuleSet, rule: &Rule, view: &View) -> bool {
        let could = |assets: &AssetFilter| could_be_taken(rule, assets, view, &set.aliases);
        let could_branch = |branch: &Branch| branch.assets.as_ref().is_none_or(could);
        let assets = rule.assets.as_ref().filter(|_| rule.emit.is_empty());
        assets.is_none_or(could) && (rule.any_of.is_empty() || rule.any_of.iter().any(could_branch))
    }

    /// Tests everything but assets and age. Leaves the branches that hold for [`Self::pass`].
    pub(super) fn test(
        &mut self,
        set: &RuleSet,
        index: usize,
        rule: &Rule,
        view: &View,
    ) -> Result<(), Failed> {
        if self.takers(set, view).binary_search(&index).is_err() {
            return Err(Failed::Author);
        }
        self.test_origin(rule, view)?;
        self.test_terms(set, &rule.terms, view)?;
        self.branches.clear();
        for (index, branch) in rule.any_of.iter().enumerate() {
            if self.test_terms(set, &branch.terms, view).is_ok() {
                self.branches.push(index);
            }
        }
        if !rule.any_of.is_empty() && self.branches.is_empty() {
            return Err(Failed::AnyOf);
        }
        Ok(())
    }

    /// After a test that failed: nothing passes.
    pub(super) fn fail(&mut self) {
        self.passing.clear();
        self.refused.clear();
        self.holds_without_asset = false;
        self.emitting.clear();
    }

    /// The rule's authors may have written the view: its author is one of them, or not known yet.
    pub(super) fn could_be_by(&mut self, set: &RuleSet, index: usize, rule: &Rule, view: &View) -> bool {
        let lacks_id = view.post().author().id().is_none();
        let lacks_handle = !self.has_handle;
        let is_open = rule.authors.as_ref().is_some_and(|authors| {
            lacks_id && !authors.ids.is_empty() || lacks_handle && !authors.handles.is_empty()
        });
        is_open || self.takers(set, view).binary_search(&index).is_ok()
    }

    fn test_origin(&mut self, rule: &Rule, view: &View) -> Result<(), Failed> {
        let author = view.post().author();
        let platform = view.platform.as_ref().unwrap_or(&Platform::Twitter);
        if rule.platforms.as_ref().is_some_and(|known| !known.contains(platform)) {
            return Err(Failed::Platform);
        }
        if !rule.kinds.contains(self.kind(view)) {
            return Err(Failed::Kind);
        }
        if let Some(least) = rule.min_followers {
            let followers = author.number(AuthorField::Followers);
            if !followers.is_some_and(|count| u64::try_from(count).is_ok_and(|count| count >= least)) {
                return Err(Failed::Followers);
            }
        }
        if let Some(kinds) = &rule.verified {
            let kind = author.field(AuthorField::VerifiedType);
            if !kind.is_some_and(|kind| kinds.iter().any(|known| known == kind)) {
                return Err(Failed::Verified);
            }
        }
        Ok(())
    }

    fn test_terms(&mut self, set: &RuleSet, terms: &Terms, view: &View) -> Result<(), Failed> {
        if !self.reading.any(&set.matcher, view, terms) {
            return Err(Failed::Any);
        }
        if !self.reading.all(&set.matcher, view, terms) {
            return Err(Failed::All);
        }
        match self.reading.vetoed(&set.matcher, view, terms) {
            Some((_, field)) => Err(Failed::None(field)),
            None => Ok(()),
        }
    }

    /// After a test that held: some asset could pass.
    pub(super) fn takes_assets(&self, rule: &Rule) -> bool {
        let mut branches = self.branches.iter().filter_map(|index| rule.any_of.get(*index));
        rule.assets.is_some() || branches.any(|branch| branch.assets.is_some())
    }

    /// After a test that held: finds the candidates that pass, and whether the rule holds without one.
    ///
    /// A rule with `emit` takes no candidate. One that passes only lets its branch of `any_of` hold.
    pub(super) fn pass(&mut self, set: &RuleSet, rule: &Rule, view: &View) {
        self.passing.clear();
        self.refused.clear();
        self.emitting.clear();
        let assets = rule.assets.as_ref().filter(|_| rule.emit.is_empty());
        let branch_assets =
            || self.branches.iter().filter_map(|index| rule.any_of.get(*index)?.assets.as_ref());
        let needs_none =
            |index: &usize| rule.any_of.get(*index).is_some_and(|branch| branch.assets.is_none());
        let is_free = rule.any_of.is_empty() || self.branches.iter().any(needs_none);
        self.holds_without_asset = rule.emit.is_empty() && assets.is_none() && is_free;
        if assets.is_some() || branch_assets().next().is_some() {
            self.candidates.collect(view, &mut self.reading, set);
            let reader = self.candidates.with(view, &set.aliases);
            let list = self.candidates.list();
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
        self.keep_holding(set, rule, view);
    }

    /// Of the branches whose terms hold, those whose assets are there too.
    fn keep_holding(&mut self, set: &RuleSet, rule: &Rule, view: &View) {
        let list = self.candidates.list();
        let reader = self.candidates.with(view, &set.aliases);
        let holds = |index: &usize| {
            let filter = rule.any_of.get(*index).and_then(|branch| branch.assets.as_ref());
            filter.is_none_or(|filter| list.iter().any(|candidate| reader.is_taken(rule, filter, candidate)))
        };
        self.holding.clear();
        self.holding.extend(self.branches.iter().copied().filter(holds));
    }

    /// The ground of a candidate, which is `asset`: how the text writes a coin, where nobody else has named it.
    pub(super) fn evidence(
        &self,
        set: &RuleSet,
        rule: &Rule,
        view: &View,
        index: usize,
        asset: &Asset,
    ) -> Evidence {
        let Some(candidate) = self.candidates.list().get(index) else { return evidence_of(asset) };
        if candidate.class != AssetClass::Ticker {
            return evidence_of(asset);
        }
        let reader = self.candidates.with(view, &set.aliases);
        let branches = self.branches.iter().filter_map(|index| rule.any_of.get(*index)?.assets.as_ref());
        let filters = rule.assets.iter().chain(branches);
        let forms = filters.fold(Forms::NONE, |forms, filter| forms.or(reader.forms(filter, candidate)));
        forms.iter().next().map_or(Evidence::Ticker, Form::evidence)
    }

    /// The terms of the rule that were found, in the rule's order.
    pub(super) fn matched(&mut self, set: &RuleSet, rule: &Rule, view: &View) -> Vec<Matched> {
        let mut matched: Vec<Matched> = Vec::new();
        let branches =
            self.holding.iter().filter_map(|index| rule.any_of.get(*index).map(|branch| &branch.terms));
        for terms in std::iter::once(&rule.terms).chain(branches) {
            for (term, field) in pairs(terms) {
                let is_listed =
                    matched.iter().any(|known| known.term == term.written && known.field == field);
                if !is_listed && self.reading.hit(&set.matcher, view, field, term) {
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

/// A coin of the text beside a passing token or market of its symbol is that: contract, then market, then ticker.
fn drop_named_tickers(passing: &mut Vec<usize>, list: &[Candidate], reader: Reader<'_>) {
    let of = |class: AssetClass, index: usize| list.get(index).filter(|candidate| candidate.class == class);
    let is_named = |passing: &[usize], index: usize| {
        let ticker = of(AssetClass::Ticker, index);
        let named = |class| passing.iter().filter_map(move |index| of(class, *index));
        let mut named = named(AssetClass::Token).chain(named(AssetClass::Cex));
        ticker.is_some_and(|ticker| named.any(|named| reader.same_symbol(ticker, named)))
    };
    // From the back, so that places stay what they are; what is named stays all the way.
    for place in (0..passing.len()).rev() {
        if passing.get(place).is_some_and(|index| is_named(passing, *index)) {
            passing.remove(place);
        }
    }
}
