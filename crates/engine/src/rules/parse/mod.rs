//! Rule files: `[[rule]]` and `[[alias]]` tables to rules.

mod asset;
mod hash;
mod params;
mod trigger;

use std::sync::Arc;

use stoop_model::{AssetClass, HashMap, RuleLabel, Side, TextField};

use super::conditions::{self, Condition, Rule};
use super::plain::{self, links};
use super::rule::{Alias, AssetFilter, Branch, CEX_VENUES, Term, TermMode, Terms};
use super::strategy::Strategy;
use crate::Universe;
use crate::syntax::{At, Source, SyntaxError, Table};

const SECOND_NS: i64 = 1_000_000_000;

/// The keys of a rule that are not conditions, before the conditions and after them.
const OTHER_KEYS: [&[&str]; 2] = [
    &["name", "note"],
    &[
        "match",
        "in",
        "on_unnamed",
        "on",
        "emit",
        "fire",
        "settle",
        "wait",
        "on_timeout",
        "ttl",
        "side",
        "destination",
        "params",
    ],
];

const FIELDS: [(&str, TextField); 8] = [
    ("text", TextField::Text),
    ("first_line", TextField::FirstLine),
    ("ref", TextField::Ref),
    ("ocr", TextField::Ocr),
    ("mentions", TextField::Mentions),
    ("urls", TextField::Urls),
    ("bio", TextField::Bio),
    ("name", TextField::Name),
];

/// Reads rules and aliases from any number of files, then hands them over with their patterns.
#[derive(Default)]
pub struct RuleReader {
    pub(super) rules: Vec<Rule>,
    pub(super) strategies: Vec<(Rule, Box<dyn Strategy>)>,
    strategies_read: usize,
    pub(super) aliases: Vec<Alias>,
    pub(super) patterns: Vec<String>,
    pub(super) universe: Option<Arc<Universe>>,
    known_patterns: HashMap<String, usize>,
    names: HashMap<String, String>,
    errors: Vec<SyntaxError>,
    warnings: Vec<SyntaxError>,
}

impl RuleReader {
    /// Sets the markets that the user can trade. Call it before the first [`RuleReader::read`].
    pub fn universe(&mut self, universe: Option<Arc<Universe>>) {
        self.universe = universe;
    }

    /// Reads the `[[rule]]` and `[[alias]]` tables of a file; other keys are the caller's.
    pub fn read(&mut self, root: &Table<'_>) {
        let before = self.errors.len();
        match root.tables("alias") {
            Ok(tables) => tables.iter().for_each(|table| self.read_alias(table)),
            Err(error) => self.errors.push(error),
        }
        match root.tables("rule") {
            Ok(tables) => tables.iter().for_each(|table| self.read_rule(table)),
            Err(error) => self.errors.push(error),
        }
        if let Some(errors) = self.errors.get_mut(before..) {
            errors.sort_by_key(|error| (error.line, error.column));
        }
    }

    /// Adds a strategy and reads its rule. Errors in it name the file `strategy 1`, `strategy 2` …
    pub fn strategy(&mut self, strategy: Box<dyn Strategy>) {
        self.strategies_read += 1;
        let name = format!("strategy {}", self.strategies_read);
        let source = Source { name, text: strategy.rule() };
        match source.parse().and_then(|parsed| self.rule(&Table::root(&source, &parsed))) {
            Ok(rule) => self.strategies.push((rule, strategy)),
            Err(error) => self.errors.push(error),
        }
    }

    /// Removes and returns the errors so far, in order.
    pub fn take_errors(&mut self) -> Vec<SyntaxError> {
        std::mem::take(&mut self.errors)
    }

    /// Removes and returns the warnings so far: what is valid but has no effect, in order.
    pub fn take_warnings(&mut self) -> Vec<SyntaxError> {
        std::mem::take(&mut self.warnings)
    }

    fn read_rule(&mut self, table: &Table<'_>) {
        match self.rule(table) {
            Ok(rule) => self.rules.push(rule),
            Err(error) => self.errors.push(error),
        }
    }

    fn read_alias(&mut self, table: &Table<'_>) {
        match self.alias(table) {
            Ok(alias) => self.aliases.push(alias),
            Err(error) => self.errors.push(error),
        }
    }

    fn rule(&mut self, table: &Table<'_>) -> Result<Rule, SyntaxError> {
        asset::none_outside(table)?;
        table.only(&rule_keys())?;
        let name = self.rule_name(table)?;
        let mode = term_mode(table)?.unwrap_or(TermMode::Word);
        let fields = fields(table)?.unwrap_or_else(|| vec![TextField::Text, TextField::Ocr]);
        let terms = self.terms(table, mode, &fields)?;
        let any_of = self.branches(table, mode, &fields)?;
        let assets = self.assets(table, false)?;
        let emit = asset::markets(table)?;
        if let Some(at) = table.get("assets").filter(|_| !emit.is_empty()) {
            self.warnings.push(at.error("`emit` stands instead of `assets`; these are not looked at"));
        }
        // For people: it must be a text, and has no effect.
        table.string("note")?;
        let mut label = RuleLabel {
            name: name.to_owned(),
            hash: [0; 8],
            side: side(table)?,
            destination: table.string("destination")?.map_or("default", |at| at.value).to_owned(),
            params: params::json_of(table)?,
        };
        let mut rule = Rule {
            label: Arc::new(label.clone()),
            alert: Arc::new(label.clone()),
            on: trigger::operations(table)?,
            authors: conditions::authors::read(table)?,
            platforms: conditions::platforms::read(table)?,
            kinds: conditions::kinds::read(table)?,
            min_followers: conditions::min_followers::read(table)?,
            verified: conditions::verified::read(table)?,
            keeps_unnamed: self.keeps_unnamed(table, assets.as_ref(), &any_of)?,
            tradable: conditions::tradable::read(
                table,
                assets.is_some(),
                self.universe.as_deref(),
                &mut self.warnings,
            )?,
            terms,
            any_of,
            assets,
            emit,
            allow_late: conditions::late::read(table)?,
            is_enabled: conditions::enabled::read(table)?,
            max_age_ns: conditions::max_age::read(table)?,
            fire: trigger::fire(table, &mut self.warnings)?,
            ttl_ns: positive(table, "ttl")?.unwrap_or(30 * SECOND_NS),
            cooldown: conditions::cooldown::read(table)?,
        };
        label.hash = hash::of(&rule);
        rule.alert = Arc::new(RuleLabel { side: Side::Alert, ..label.clone() });
        rule.label = Arc::new(label);
        Ok(rule)
    }

    fn assets(&self, table: &Table<'_>, is_branch: bool) -> Result<Option<AssetFilter>, SyntaxError> {
        let has_universe = self.universe.is_some();
        table.table("assets")?.map(|table| asset::filter(&table, is_branch, has_universe)).transpose()
    }

    fn keeps_unnamed(
        &mut self,
        table: &Table<'_>,
        assets: Option<&AssetFilter>,
        any_of: &[Branch],
    ) -> Result<bool, SyntaxError> {
        let keeps = table.choice("on_unnamed", &[("cancel", false), ("keep", true)])?.unwrap_or(false);
        let mut filters = assets.into_iter().chain(any_of.iter().filter_map(|branch| branch.assets.as_ref()));
        if let Some(at) = table.get("on_unnamed").filter(|_| !filters.any(|filter| filter.tokens)) {
            self.warnings.push(at.error(
                "`on_unnamed` is about coins that the text writes: without `assets = { tokens = true }` there are none",
            ));
        }
        Ok(keeps)
    }

    fn rule_name<'s>(&mut self, table: &Table<'s>) -> Result<&'s str, SyntaxError> {
        let Some(at) = table.string("name")? else {
            return Err(table.error("a rule needs a `name`"));
        };
        if at.value.trim().is_empty() || at.value.contains('\0') {
            return Err(at.error("a rule's `name` is a text of at least one visible character, without NUL"));
        }
        let here = at.error("");
        let place = format!("{}:{}", here.file, here.line);
        if let Some(first) = self.names.insert(at.value.to_owned(), place) {
            return Err(at.error(format!("a rule named \"{}\" stands at {first} already", at.value)));
        }
        Ok(at.value)
    }

    fn alias(&mut self, table: &Table<'_>) -> Result<Alias, SyntaxError> {
        table.only(&["terms", "market"])?;
        let Some(list) = table.strings("terms")? else {
            return Err(table.error("an alias needs `terms`: the words that name the market"));
        };
        if list.is_empty() {
            return Err(table.error("an alias needs at least one of `terms`"));
        }
        let Some(at) = table.string("market")? else {
            return Err(table.error("an alias needs a `market`, such as \"binance:DOGEUSDT\""));
        };
        let market = asset::market(&at)?;
        if market.class != AssetClass::Cex || !CEX_VENUES.contains(&market.venue.as_str()) {
            return Err(at.error(format!("an alias names a market of {}", CEX_VENUES.join(", "))));
        }
        let fields = [TextField::Text];
        let terms = list.iter().map(|at| self.term(at, TermMode::Word, &fields)).collect::<Result<_, _>>()?;
        Ok(Alias { terms, market })
    }

    fn branches(
        &mut self,
        table: &Table<'_>,
        mode: TermMode,
        in_fields: &[TextField],
    ) -> Result<Vec<Branch>, SyntaxError> {
        let mut branches = Vec::new();
        for branch in table.tables("any_of")? {
            asset::none_outside(&branch)?;
            branch.only(&["any", "all", "none", "match", "in", "assets"])?;
            let mode = term_mode(&branch)?.unwrap_or(mode);
            let fields = fields(&branch)?.unwrap_or_else(|| in_fields.to_vec());
            let terms = self.terms(&branch, mode, &fields)?;
            let assets = self.assets(&branch, true)?;
            if terms.is_empty() && assets.is_none() {
                return Err(branch.error("this branch of `any_of` asks for nothing and would always hold"));
            }
            branches.push(Branch { terms, assets });
        }
        if table.has("any_of") && branches.is_empty() {
            return Err(table.empty("any_of"));
        }
        Ok(branches)
    }

    fn terms(
        &mut self,
        table: &Table<'_>,
        mode: TermMode,
        fields: &[TextField],
    ) -> Result<Terms, SyntaxError> {
        let mut lists = [Vec::new(), Vec::new(), Vec::new()];
        for (list, key) in lists.iter_mut().zip(["any", "all", "none"]) {
            for at in table.strings(key)?.unwrap_or_default() {
                list.push(self.term(&at, mode, fields)?);
            }
        }
        let [any, all, none] = lists;
        Ok(Terms { any, all, none, fields: fields.to_vec(), scout: None })
    }

    fn term(&mut self, at: &At<'_, &str>, mode: TermMode, fields: &[TextField]) -> Result<Term, SyntaxError> {
        let plain = plain::term(at.value);
        // Word boundaries do what spaces around a term would.
        let trimmed = plain.trim();
        let (stem, mode) = match (mode, trimmed.strip_suffix('*')) {
            (TermMode::Word, Some(stem)) => (stem.trim_end(), TermMode::Prefix),
            (mode, Some(stem)) => (stem.trim_end(), mode),
            (mode, None) => (trimmed, mode),
        };
        if stem.is_empty() {
            return Err(at.error(format!("the term \"{}\" is empty: it would be everywhere", at.value)));
        }
        if stem.contains('*') {
            return Err(at.error(format!(
                "the term \"{}\" has a `*` that is not at its end: only there it means \"and whatever follows\"",
                at.value
            )));
        }
        Self::could_be_found(at, stem, fields)?;
        let next = self.patterns.len();
        let pattern = *self.known_patterns.entry(stem.to_owned()).or_insert(next);
        if pattern == next {
            self.patterns.push(stem.to_owned());
        }
        Ok(Term { written: at.value.into(), pattern, mode })
    }

    /// Links and handles are removed from a body, so that a term with one in it is never found there.
    fn could_be_found(at: &At<'_, &str>, stem: &str, fields: &[TextField]) -> Result<(), SyntaxError> {
        let is_body = |field: &TextField| matches!(field, TextField::Text | TextField::FirstLine);
        // A picture may show a handle; a rule that looks for it only there can say so.
        let is_body_or_picture = |field: &TextField| is_body(field) || *field == TextField::Ocr;
        if !fields.iter().any(is_body) || !fields.iter().all(is_body_or_picture) {
            return Ok(());
        }
        let (what, list) = match (links::has_link(stem), links::has_handle(stem)) {
            (true, _) => ("links are", "urls"),
            (false, true) => ("handles are", "mentions"),
            (false, false) => return Ok(()),
        };
        Err(at.error(format!(
            "the term \"{}\" can never match: {what} removed from a text before it is searched; look in = [\"{list}\"]",
            at.value
        )))
    }
}

/// All keys of a rule.
fn rule_keys() -> Vec<&'static str> {
    let [before, after] = OTHER_KEYS;
    let conditions = Condition::ALL.iter().flat_map(|condition| condition.keys());
    before.iter().chain(conditions).chain(after).copied().collect()
}

fn term_mode(table: &Table<'_>) -> Result<Option<TermMode>, SyntaxError> {
    table.choice("match", &[("word", TermMode::Word), ("substring", TermMode::Substring)])
}

fn fields(table: &Table<'_>) -> Result<Option<Vec<TextField>>, SyntaxError> {
    let fields = table.choices("in", &FIELDS)?;
    Ok(fields.map(without_repeats))
}

pub(super) fn without_repeats<T: PartialEq>(list: Vec<T>) -> Vec<T> {
    let mut kept = Vec::with_capacity(list.len());
    for item in list {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
}

fn side(table: &Table<'_>) -> Result<Side, SyntaxError> {
    let known = [("alert", Side::Alert), ("buy", Side::Buy), ("sell", Side::Sell)];
    Ok(table.choice("side", &known)?.unwrap_or_default())
}

pub(super) fn positive(table: &Table<'_>, key: &str) -> Result<Option<i64>, SyntaxError> {
    match table.duration(key)? {
        Some(at) if at.value == 0 => Err(at.error(format!("`{key}` must be longer than nothing"))),
        at => Ok(at.map(|at| at.value)),
    }
}
