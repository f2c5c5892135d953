//! The rules of a run: parsed, checked, compiled.

use std::sync::Arc;

use stoop_model::{Asset, TradedOn};

use super::authors::AuthorIndex;
use super::conditions::Rule;
use super::matcher::{Matcher, Scout};
use super::parse::RuleReader;
use super::rule::{Alias, Fire};
use super::strategy::Strategy;
use super::written::Sought;
use crate::syntax::{Source, SyntaxError, Table};
use crate::{Listing, Universe};

/// Rules and aliases with the automaton over all their terms.
pub struct RuleSet {
    pub(crate) rules: Vec<Rule>,
    pub(crate) aliases: Vec<Alias>,
    pub(crate) matcher: Matcher,
    pub(crate) authors: AuthorIndex,
    /// The forms in which some rule looks for coins.
    pub(crate) sought: Sought,
    /// Some rule asks how the text writes a coin when the enrichment has come.
    pub(crate) needs_written: bool,
    /// The strategies of the last rules, in order, until the set is put to work.
    pub(crate) strategies: Vec<Box<dyn Strategy>>,
    pub(crate) universe: Option<Arc<Universe>>,
}

impl RuleSet {
    /// Compiles what a reader has read.
    pub fn new(mut reader: RuleReader) -> Result<Self, RuleSetError> {
        let errors = reader.take_errors();
        if !errors.is_empty() {
            return Err(RuleSetError::Syntax(errors));
        }
        let matcher =
            Matcher::new(&reader.patterns).ok_or(RuleSetError::TooManyTerms(reader.patterns.len()))?;
        let mut rules = reader.rules;
        let mut strategies = Vec::with_capacity(reader.strategies.len());
        for (rule, strategy) in reader.strategies {
            rules.push(rule);
            strategies.push(strategy);
        }
        let authors = AuthorIndex::new(&rules);
        for rule in &mut rules {
            for terms in rule.any_of.iter_mut().map(|branch| &mut branch.terms).chain([&mut rule.terms]) {
                terms.scout = Scout::new(&terms.any, &reader.patterns);
            }
        }
        let filters = || rules.iter().flat_map(Rule::asset_filters);
        let sought =
            filters().filter(|filter| filter.looks_for_coins()).fold(Sought::default(), |sought, filter| {
                if filter.is_first_line {
                    Sought { first_line: sought.first_line.or(filter.forms()), ..sought }
                } else {
                    Sought { text: sought.text.or(filter.forms()), ..sought }
                }
            });
        let needs_written =
            rules.iter().any(|rule| rule.keeps_unnamed) || filters().any(|filter| filter.written.is_some());
        Ok(Self {
            sought,
            needs_written,
            rules,
            aliases: reader.aliases,
            matcher,
            authors,
            strategies,
            universe: reader.universe,
        })
    }

    /// Reads one text that holds rules and aliases and nothing else.
    pub fn parse(name: &str, text: &str) -> Result<Self, RuleSetError> {
        let source = Source { name: name.to_owned(), text: text.to_owned() };
        let parsed = source.parse().map_err(|error| RuleSetError::Syntax(vec![error]))?;
        let root = Table::root(&source, &parsed);
        root.only(&["rule", "alias"]).map_err(|error| RuleSetError::Syntax(vec![error]))?;
        let mut reader = RuleReader::default();
        reader.read(&root);
        Self::new(reader)
    }

    /// The rules in order, those of strategies last.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The aliases in order.
    pub fn aliases(&self) -> &[Alias] {
        &self.aliases
    }

    /// The markets that the user can trade; none if the rules were read without a universe.
    pub fn universe(&self) -> Option<&Universe> {
        self.universe.as_deref()
    }

    /// The universe's entries for an asset: by its contract, else by its symbol.
    pub(crate) fn listings(&self, asset: Option<&Asset>) -> impl Iterator<Item = &Listing> {
        let universe = self.universe.as_deref();
        let contract = asset.and_then(|asset| asset.contract.as_deref());
        let by_contract = universe.zip(contract).map(|(universe, contract)| universe.of_contract(contract));
        let mut by_contract = by_contract.into_iter().flatten().peekable();
        let symbol = asset.and_then(|asset| asset.symbol.as_deref());
        // By contract first: a symbol alone may belong to several coins.
        let symbol = symbol.filter(|_| by_contract.peek().is_none());
        let by_symbol = universe.zip(symbol).map(|(universe, symbol)| universe.of_symbol(symbol));
        by_contract.chain(by_symbol.into_iter().flatten())
    }

    /// Where an asset can be traded.
    pub(crate) fn markets(&self, asset: Option<&Asset>) -> Vec<TradedOn> {
        let market =
            |listing: &Listing| TradedOn { venue: listing.venue.clone(), market: listing.market.clone() };
        self.listings(asset).map(market).collect()
    }

    /// The longest `wait` of a rule, ns: a tweet must stay in the window for longer.
    pub fn longest_wait_ns(&self) -> i64 {
        let waits = self.rules.iter().map(|rule| match rule.fire {
            Fire::Enriched { wait_ns, .. } => wait_ns,
            Fire::TwoPhase { .. } | Fire::Content => 0,
        });
        waits.max().unwrap_or(0)
    }
}

/// Why rules cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleSetError {
    /// Something in the files is not right; every rule with an error is in the list once.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Syntax(Vec<SyntaxError>),
    /// One automaton cannot hold this many terms.
    #[error("{0} different terms are more than one automaton holds")]
    TooManyTerms(usize),
}
