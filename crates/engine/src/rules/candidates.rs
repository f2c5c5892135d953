//! The assets of a view: what the vendor named, and what the text writes.

use stoop_model::{AssetClass, AssetField, DetectedClass, Span, TextField};

use super::addresses;
use super::asset::Reader;
use super::conditions::Rule;
use super::matcher::Texts;
use super::rule::{Alias, AssetFilter, Branch};
use super::set::RuleSet;
use super::written::{Form, Forms, Found, Scan};
use crate::merge::{NamedAsset, View, same_contract, same_symbol};

/// Coins of one text that are looked at in each form, and addresses; later ones are counted and left out.
pub const LOCAL_ASSETS: usize = 64;

/// Where a candidate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A ticker or an address in the text.
    Found(Span),
    /// An alias of the rule set, by index.
    Alias(usize),
    /// An asset of the view, by index.
    Named(usize),
}

/// One asset a rule may decide on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) class: AssetClass,
    pub(crate) origin: Origin,
    /// A token whose symbol stands for several contracts.
    pub(crate) is_ambiguous: bool,
    /// A token whose contract stands in the text too, or a market an alias names too.
    pub(crate) is_local_too: bool,
    /// How the text writes a coin, and how its first line does.
    written: [Forms; 2],
    /// All forms in which it was found, and where it first stands in each.
    seen: Forms,
    places: [usize; Form::ALL.len()],
}

impl Candidate {
    /// Where the text first writes it in one of these forms.
    pub(crate) fn first_place(&self, forms: Forms) -> Option<usize> {
        let places = Form::ALL.into_iter().zip(self.places);
        places.filter(|(form, _)| forms.contains(*form)).map(|(_, place)| place).min()
    }

    /// How the text writes it, where a filter looks for coins.
    pub(crate) fn forms(&self, filter: &AssetFilter) -> Forms {
        self.written[usize::from(filter.is_first_line)]
    }

    fn new(class: AssetClass, origin: Origin) -> Self {
        Self {
            class,
            origin,
            is_ambiguous: false,
            is_local_too: false,
            written: [Forms::NONE; 2],
            seen: Forms::NONE,
            places: [0; Form::ALL.len()],
        }
    }
}

/// The assets of the view at hand, in order: tokens, CEX markets, prediction markets as the vendor named them,
/// then coins, addresses and aliases of the text.
#[derive(Default)]
pub(crate) struct Candidates {
    list: Vec<Candidate>,
    found: String,
    is_collected: bool,
    /// Coins and addresses of the text that were left out because there were too many.
    pub(crate) left_out: u64,
}

impl Candidates {
    /// Forgets the last view.
    pub(crate) fn begin(&mut self) {
        self.is_collected = false;
    }

    /// All of them.
    pub(crate) fn list(&self) -> &[Candidate] {
        &self.list
    }

    /// Collects those of `view`, unless that has been done.
    pub(crate) fn collect(&mut self, view: &View, texts: &mut Texts, set: &RuleSet) {
        if std::mem::replace(&mut self.is_collected, true) {
            return;
        }
        self.list.clear();
        self.found.clear();
        let is_enriched = view.enriched_ns.is_some();
        if is_enriched {
            self.collect_named(view);
        }
        let body = texts.body(view);
        // After the enrichment tickers of the text do not count, unless a rule with `written` or `on_unnamed` asks.
        if !is_enriched || set.needs_written {
            let mut counts = [0; Form::ALL.len()];
            Scan::new(body.text(), set.universe()).run(body.first_line_end(), set.sought, |found| {
                self.add_written(&found, &mut counts);
            });
        }
        // After the enrichment too: `addresses = true` accepts a token whose contract the text writes.
        self.collect_addresses(view, texts);
        for (index, alias) in set.aliases.iter().enumerate() {
            if alias.terms.iter().any(|term| texts.hit(&set.matcher, view, TextField::Text, term)) {
                self.add_alias(view, &set.aliases, index, alias);
            }
        }
    }

    fn collect_named(&mut self, view: &View) {
        for (index, asset) in view.assets.iter().enumerate() {
            if asset.class == DetectedClass::Token && !is_outdone(view, asset) {
                let mut candidate = Candidate::new(AssetClass::Token, Origin::Named(index));
                candidate.is_ambiguous = is_ambiguous(view, asset);
                self.list.push(candidate);
            }
        }
        for (class, of) in
            [(DetectedClass::Cex, AssetClass::Cex), (DetectedClass::Prediction, AssetClass::Prediction)]
        {
            for (index, _) in view.assets.iter().enumerate().filter(|(_, asset)| asset.class == class) {
                self.list.push(Candidate::new(of, Origin::Named(index)));
            }
        }
    }

    /// Adds a coin of the text. The limit holds for each form by itself, so that the forms that one rule looks for
    /// cannot crowd out those of another.
    fn add_written(&mut self, found: &Found<'_>, counts: &mut [usize; Form::ALL.len()]) {
        let place = self.list.iter().position(|known| {
            known.class == AssetClass::Ticker && self.text(known).eq_ignore_ascii_case(found.symbol)
        });
        let known = place.and_then(|place| self.list.get(place)).map_or(Forms::NONE, |known| known.seen);
        let mut forms = found.forms;
        for (form, count) in Form::ALL.into_iter().zip(counts) {
            if forms.contains(form) && !known.contains(form) {
                if *count < LOCAL_ASSETS {
                    *count += 1;
                } else {
                    forms = forms.without(form);
                    self.left_out += 1;
                }
            }
        }
        if forms.is_empty() {
            return;
        }
        let place = place.unwrap_or_else(|| {
            // In capitals: one symbol is one coin, however it is written.
            let span = Span::push(&mut self.found, found.symbol);
            self.found[span.start as usize..].make_ascii_uppercase();
            self.list.push(Candidate::new(AssetClass::Ticker, Origin::Found(span)));
            self.list.len() - 1
        });
        if let Some(candidate) = self.list.get_mut(place) {
            for (form, place) in Form::ALL.into_iter().zip(&mut candidate.places) {
                if forms.contains(form) && !known.contains(form) {
                    *place = found.place;
                }
            }
            candidate.seen = candidate.seen.or(forms);
            let places = [true, found.is_first_line];
            for ((written, is_here), capitals) in candidate.written.iter_mut().zip(places).zip(found.capitals)
            {
                if is_here {
                    let counting = if capitals { forms } else { forms.without(Form::Capitals) };
                    *written = written.or(counting);
                }
            }
        }
    }

    fn collect_addresses(&mut self, view: &View, texts: &mut Texts) {
        let body = view.post().text().unwrap_or_default();
        let plain = texts.body(view);
        // In the order of the body, in which the links stood.
        let mut links = plain.links(body).peekable();
        for (at, address) in addresses::addresses(plain.text()) {
            while let Some((_, link)) = links.next_if(|(place, _)| *place < at) {
                self.add_link(view, link);
            }
            self.add_address(view, address);
        }
        for (_, link) in links {
            self.add_link(view, link);
        }
        for url in view.post().urls() {
            self.add_link(view, url);
        }
    }

    fn add_link(&mut self, view: &View, link: &str) {
        for address in addresses::link_addresses(link) {
            self.add_address(view, address);
        }
    }

    fn add_address(&mut self, view: &View, address: &str) {
        let Self { list, found, .. } = self;
        let mut is_known = false;
        let mut count = 0;
        for known in list.iter_mut() {
            let contract = match (known.class, known.origin) {
                (AssetClass::Token, Origin::Named(index)) => named_text(view, index, AssetField::Contract),
                (AssetClass::Address, Origin::Found(span)) => Some(span.of(found)),
                (_, _) => None,
            };
            if contract.is_some_and(|contract| same_contract(contract, address)) {
                known.is_local_too = true;
                is_known = true;
            }
            count += usize::from(known.class == AssetClass::Address);
        }
        if is_known {
            return;
        }
        // Each address is compared with all candidates before it, so their number has to be bounded.
        if count >= LOCAL_ASSETS {
            self.left_out += 1;
            return;
        }
        let span = Span::push(found, address);
        list.push(Candidate::new(AssetClass::Address, Origin::Found(span)));
    }

    fn add_alias(&mut self, view: &View, aliases: &[Alias], index: usize, alias: &Alias) {
        let same = |known: &Candidate| match known.origin {
            Origin::Named(index) => {
                known.class == AssetClass::Cex
                    && named_text(view, index, AssetField::Exchange) == Some(&alias.market.venue)
                    && named_market_is(view, index, &alias.market.name)
            }
            // Several aliases may name one market.
            Origin::Alias(known) => aliases.get(known).is_some_and(|known| known.market == alias.market),
            Origin::Found(_) => false,
        };
        if let Some(known) = self.list.iter_mut().find(|known| same(known)) {
            known.is_local_too = true;
            return;
        }
        self.list.push(Candidate::new(AssetClass::Cex, Origin::Alias(index)));
    }

    /// How the text writes a coin, where a filter looks for coins.
    pub(crate) fn written(&self, filter: &AssetFilter, symbol: &str) -> Forms {
        let coin = self
            .list
            .iter()
            .find(|known| known.class == AssetClass::Ticker && same_symbol(self.text(known), symbol));
        coin.map_or(Forms::NONE, |coin| coin.forms(filter))
    }

    /// The text of a coin or an address.
    pub(crate) fn text(&self, candidate: &Candidate) -> &str {
        match candidate.origin {
            Origin::Found(span) => span.of(&self.found),
            Origin::Alias(_) | Origin::Named(_) => "",
        }
    }

    /// The candidates with everything needed to read them.
    pub(crate) fn with<'a>(&'a self, view: &'a View, aliases: &'a [Alias]) -> Reader<'a> {
        Reader { candidates: self, view, aliases }
    }
}

/// The rule could open something on the view: of the assets it cannot do without, some could be there.
///
/// May say yes wrongly, but never no. It only glances at the view; testing the terms means folding and searching its
/// texts.
pub(crate) fn could_open(set: &RuleSet, rule: &Rule, view: &View) -> bool {
    let could = |assets: &AssetFilter| could_be_taken(rule, assets, view, &set.aliases);
    let could_branch = |branch: &Branch| branch.assets.as_ref().is_none_or(could);
    let assets = rule.assets.as_ref().filter(|_| rule.emit.is_empty());
    assets.is_none_or(could) && (rule.any_of.is_empty() || rule.any_of.iter().any(could_branch))
}

/// Some candidate of the view could pass this filter, judged by the parts that candidates are made of.
fn could_be_taken(rule: &Rule, filter: &AssetFilter, view: &View, aliases: &[Alias]) -> bool {
    let is_enriched = view.enriched_ns.is_some();
    let is_named = |class| is_enriched && view.assets.iter().any(|asset| asset.class == class);
    // Only `$EDGE` has a sign that is cheap to look for, and even that may be written `＄`.
    let could_be_ticker = |body: &str| body.contains('$') || !body.is_ascii();
    let could_be_written = || {
        let could_be = filter.forms() != Forms::TICKER || view.post().text().is_some_and(could_be_ticker);
        could_be && (!is_enriched || rule.keeps_unnamed)
    };
    filter.addresses
        || filter.tokens && (is_named(DetectedClass::Token) || could_be_written())
        || !filter.cex.is_empty() && (is_named(DetectedClass::Cex) || !aliases.is_empty())
        || !filter.prediction.is_empty() && is_named(DetectedClass::Prediction)
}

/// A text of an asset that the vendor named, by index; an empty text counts as absent.
pub(crate) fn named_text(view: &View, index: usize, field: AssetField) -> Option<&str> {
    let asset = view.assets.get(index)?;
    view.asset_text(asset, field).filter(|text| !text.is_empty())
}

/// The venue's name of a named market is `name`.
pub(crate) fn named_market_is(view: &View, index: usize, name: &str) -> bool {
    if view.assets.get(index).is_some_and(|asset| asset.class == DetectedClass::Prediction) {
        return named_text(view, index, AssetField::MarketId) == Some(name);
    }
    if let Some(symbol) = named_text(view, index, AssetField::Symbol) {
        return symbol == name;
    }
    match (named_text(view, index, AssetField::Base), named_text(view, index, AssetField::Quote)) {
        (Some(base), Some(quote)) => name.strip_prefix(base) == Some(quote),
        (_, _) => false,
    }
}

fn tokens(view: &View) -> impl Iterator<Item = &NamedAsset> {
    view.assets.iter().filter(|asset| asset.class == DetectedClass::Token)
}

/// A token that is less precise than another: it has the same symbol but no contract, or the same contract but no
/// chain.
fn is_outdone(view: &View, asset: &NamedAsset) -> bool {
    let text = |asset, field| view.asset_text(asset, field).filter(|text| !text.is_empty());
    let (symbol, contract) = (text(asset, AssetField::Symbol), text(asset, AssetField::Contract));
    tokens(view).any(|other| match (contract, text(other, AssetField::Contract)) {
        (None, Some(_)) => match (symbol, text(other, AssetField::Symbol)) {
            (Some(mine), Some(theirs)) => same_symbol(mine, theirs),
            (_, _) => false,
        },
        (Some(mine), Some(theirs)) => {
            same_contract(mine, theirs)
                && text(asset, AssetField::Chain).is_none()
                && text(other, AssetField::Chain).is_some()
        }
        (_, None) => false,
    })
}

/// Tokens of one symbol with different contracts.
fn is_ambiguous(view: &View, asset: &NamedAsset) -> bool {
    let text = |asset, field| view.asset_text(asset, field).filter(|text| !text.is_empty());
    let (Some(symbol), Some(contract)) = (text(asset, AssetField::Symbol), text(asset, AssetField::Contract))
    else {
        return false;
    };
    tokens(view).any(|other| match (text(other, AssetField::Symbol), text(other, AssetField::Contract)) {
        (Some(theirs), Some(their_contract)) => {
            same_symbol(symbol, theirs) && !same_contract(contract, their_contract)
        }
        (_, _) => false,
    })
}
