//! Rule files: `[[rule]]` and `[[alias]]` tables to rules.

mod asset;
mod hash;
mod params;
mod trigger;

use std::collections::BTreeSet;
use std::sync::Arc;

use stoop_model::{AssetClass, HashMap, RuleLabel, Side, TextField};

use super::plain::{self, links};
use super::rule::{
    Alias, AssetFilter, Branch, CEX_VENUES, Cooldown, CooldownBy, Fire, Rule, Term, TermMode, Terms,
};
use crate::Strategy;
use crate::Universe;
use crate::syntax::{At, Source, SyntaxError, Table};

const SECOND_NS: i64 = 1_000_000_000;

/// Exchanges of a universe that a warning names.
const VENUES_SHOWN: usize = 10;

const RULE_KEYS: [&str; 31] = [
    "name",
    "note",
    "enabled",
    "on",
    "authors",
    "platforms",
    "kinds",
    "any",
    "all",
    "none",
    "match",
    "in",
    "any_of",
    "assets",
    "on_unnamed",
    "tradable",
    "emit",
    "min_followers",
    "verified",
    "allow_late",
    "max_age",
    "fire",
    "settle",
    "wait",
    "on_timeout",
    "ttl",
    "cooldown",
    "cooldown_by",
    "side",
    "destination",
    "params",
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
    /// Sets what the user can trade; to be called before the first [`RuleReader::read`].
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

    /// Takes a strategy and reads its rule; mistakes in it are told of `strategy 1`, `strategy 2` …
    pub fn strategy(&mut self, strategy: Box<dyn Strategy>) {
        self.strategies_read += 1;
        let name = format!("strategy {}", self.strategies_read);
        let source = Source { name, text: strategy.rule() };
        match source.parse().and_then(|parsed| self.rule(&Table::root(&source, &parsed))) {
            Ok(rule) => self.strategies.push((rule, strategy)),
            Err(error) => self.errors.push(error),
        }
    }

    /// What was wrong so far, in order; empties the list.
    pub fn take_errors(&mut self) -> Vec<SyntaxError> {
        std::mem::take(&mut self.errors)
    }

    /// What is valid but says nothing, in order; empties the list.
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
        table.only(&RULE_KEYS)?;
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
        // For people: it is checked to be a text, and nothing comes of it.
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
            authors: trigger::authors(table)?,
            platforms: trigger::platforms(table)?,
            kinds: trigger::kinds(table)?,
            min_followers: table.count("min_followers")?.map(|at| at.value),
            verified: trigger::verified(table)?,
            keeps_unnamed: self.keeps_unnamed(table, assets.as_ref(), &any_of)?,
            tradable: self.tradable(table, assets.is_some())?,
            terms,
            any_of,
            assets,
            emit,
            allow_late: table.bool("allow_late")?.unwrap_or(false),
            is_enabled: table.bool("enabled")?.unwrap_or(true),
            max_age_ns: positive(table, "max_age")?,
            fire: self.fire(table)?,
            ttl_ns: positive(table, "ttl")?.unwrap_or(30 * SECOND_NS),
            cooldown: Self::cooldown(table)?,
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

    fn tradable(&mut self, table: &Table<'_>, has_assets: bool) -> Result<Option<Vec<String>>, SyntaxError> {
        let Some(at) = table.get("tradable") else { return Ok(None) };
        let mut venues = Vec::new();
        if let Some(is_wanted) = at.value.as_bool() {
            if !is_wanted {
                return Ok(None);
            }
        } else if at.value.as_array().is_some() {
            let list = table.strings("tradable")?.unwrap_or_default();
            if list.is_empty() {
                return Err(table.empty("tradable"));
            }
            venues.extend(list.iter().map(|at| at.value.trim().to_lowercase()));
            if let Some(universe) = &self.universe {
                let can_open = venues.iter().any(|venue| universe.has_venue(venue));
                let outcome = if can_open { "" } else { ": this rule can never open" };
                let unknown = list.iter().zip(&venues).filter(|(_, venue)| !universe.has_venue(venue));
                self.warnings.extend(unknown.map(|(at, venue)| {
                    let has = venues_of(universe);
                    at.error(format!("the universe lists nothing at \"{venue}\"; it has {has}{outcome}"))
                }));
            }
        } else {
            return Err(at.error("`tradable` takes true, false or a list of venues, such as [\"gateio\"]"));
        }
        if !has_assets {
            return Err(at.error(
                "`tradable` needs an `assets` of the rule itself; those of its branches do not count",
            ));
        }
        if self.universe.is_none() {
            return Err(at.error(
                "`tradable` means listed in the universe, and there is none: name one under [universe]",
            ));
        }
        Ok(Some(without_repeats(venues)))
    }

    fn cooldown(table: &Table<'_>) -> Result<Option<Cooldown>, SyntaxError> {
        let kinds =
            [("asset", CooldownBy::Asset), ("author", CooldownBy::Author), ("rule", CooldownBy::Rule)];
        let by = table.choice("cooldown_by", &kinds)?.unwrap_or(CooldownBy::Asset);
        let span_ns = positive(table, "cooldown")?;
        if let Some(at) = table.get("cooldown_by").filter(|_| span_ns.is_none()) {
            return Err(
                at.error("`cooldown_by` says what a `cooldown` is for: give its length, such as \"24h\"")
            );
        }
        Ok(span_ns.map(|span_ns| Cooldown { span_ns, by }))
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

    fn fire(&mut self, table: &Table<'_>) -> Result<Fire, SyntaxError> {
        let known = [
            ("two_phase", FireName::TwoPhase),
            ("content", FireName::Content),
            ("enriched", FireName::Enriched),
        ];
        let name = table.choice("fire", &known)?.unwrap_or(FireName::TwoPhase);
        for (key, of, what) in [
            ("settle", FireName::TwoPhase, "two_phase"),
            ("wait", FireName::Enriched, "enriched"),
            ("on_timeout", FireName::Enriched, "enriched"),
        ] {
            if name != of
                && let Some(at) = table.get(key)
            {
                self.warnings
                    .push(at.error(format!("`{key}` goes with fire = \"{what}\"; it is not looked at")));
            }
        }
        let settle = table.duration("settle")?.map_or(3 * SECOND_NS, |at| at.value);
        let wait = table.duration("wait")?.map_or(3 * SECOND_NS, |at| at.value);
        let opens = table.choice("on_timeout", &[("drop", false), ("open", true)])?.unwrap_or(false);
        Ok(match name {
            FireName::TwoPhase => Fire::TwoPhase { settle_ns: settle },
            FireName::Content => Fire::Content,
            FireName::Enriched => Fire::Enriched { wait_ns: wait, opens_on_timeout: opens },
        })
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

    /// Links and handles are taken out of a body, so that a term with one in it is never found there.
    fn could_be_found(at: &At<'_, &str>, stem: &str, fields: &[TextField]) -> Result<(), SyntaxError> {
        let is_body = |field: &TextField| matches!(field, TextField::Text | TextField::FirstLine);
        // Pictures show whatever they like; who wants handles in them alone says so.
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
            "the term \"{}\" can never match: {what} taken out of a text before it is searched; look in = [\"{list}\"]",
            at.value
        )))
    }
}

/// The exchanges of a universe, the first of them if there are many.
fn venues_of(universe: &Universe) -> String {
    let venues: BTreeSet<&str> = universe.listings().iter().map(|listing| listing.venue.as_str()).collect();
    let mut names: Vec<&str> = venues.iter().copied().take(VENUES_SHOWN).collect();
    if venues.len() > VENUES_SHOWN {
        names.push("…");
    }
    if names.is_empty() { "no market at all".to_owned() } else { names.join(", ") }
}

fn term_mode(table: &Table<'_>) -> Result<Option<TermMode>, SyntaxError> {
    table.choice("match", &[("word", TermMode::Word), ("substring", TermMode::Substring)])
}

fn fields(table: &Table<'_>) -> Result<Option<Vec<TextField>>, SyntaxError> {
    let fields = table.choices("in", &FIELDS)?;
    Ok(fields.map(without_repeats))
}

fn without_repeats<T: PartialEq>(list: Vec<T>) -> Vec<T> {
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum FireName {
    TwoPhase,
    Content,
    Enriched,
}

fn positive(table: &Table<'_>, key: &str) -> Result<Option<i64>, SyntaxError> {
    match table.duration(key)? {
        Some(at) if at.value == 0 => Err(at.error(format!("`{key}` must be longer than nothing"))),
        at => Ok(at.map(|at| at.value)),
    }
}
