//! Asset filters and markets.

use stoop_model::AssetClass;

use super::without_repeats;
use crate::rules::candidates::LOCAL_ASSETS;
use crate::rules::plain;
use crate::rules::rule::{AssetFilter, CEX_VENUES, Market, PREDICTION_VENUES};
use crate::rules::written::{Form, Forms};
use crate::syntax::{At, SyntaxError, Table, choose};

/// Keys that only `assets` has, with an example.
const ONLY_INSIDE: [(&str, &str); 8] = [
    ("tokens", "{ tokens = true }"),
    ("cex", "{ cex = [\"binance\"] }"),
    ("prediction", "{ prediction = true }"),
    ("addresses", "{ addresses = true }"),
    ("written", "{ tokens = true, written = [\"parentheses\"] }"),
    ("only", "{ tokens = true, only = [\"EDGE\"] }"),
    ("except", "{ tokens = true, except = [\"BTC\"] }"),
    ("max", "{ tokens = true, max = 3 }"),
];

/// An error if a key of `assets` stands beside it, in a rule or a branch.
pub(super) fn none_outside(table: &Table<'_>) -> Result<(), SyntaxError> {
    for (key, example) in ONLY_INSIDE {
        if let Some(at) = table.key(key) {
            return Err(at.error(format!("`{key}` belongs inside `assets`: assets = {example}")));
        }
    }
    Ok(())
}

/// The `assets` of a rule, or of a branch of `any_of`.
pub(super) fn filter(
    table: &Table<'_>,
    is_branch: bool,
    has_universe: bool,
) -> Result<AssetFilter, SyntaxError> {
    table.only(&["tokens", "cex", "prediction", "addresses", "written", "in", "only", "except", "max"])?;
    let written = written(table, has_universe)?;
    let filter = AssetFilter {
        tokens: table.bool("tokens")?.unwrap_or(false),
        cex: venues(table, "cex", &CEX_VENUES)?,
        prediction: venues(table, "prediction", &PREDICTION_VENUES)?,
        addresses: table.bool("addresses")?.unwrap_or(false),
        written,
        is_first_line: is_first_line(table)?,
        only: symbols(table, "only")?,
        except: symbols(table, "except")?,
        max: max(table, is_branch)?,
    };
    if !filter.tokens && filter.cex.is_empty() && filter.prediction.is_empty() && !filter.addresses {
        return Err(table
            .error("`assets` asks for nothing: set tokens, cex, prediction or addresses, or leave it out"));
    }
    let has_coins = filter.tokens || !filter.cex.is_empty();
    if let Some(at) = table.get("written").filter(|_| !has_coins) {
        return Err(at.error("`written` is about coins: it goes with tokens or cex"));
    }
    if let Some(symbol) = filter.only.iter().find(|symbol| filter.except.contains(symbol)) {
        return Err(table.error(format!("{symbol} is in `only` and in `except`")));
    }
    Ok(filter)
}

fn written(table: &Table<'_>, has_universe: bool) -> Result<Option<Forms>, SyntaxError> {
    let names = Form::ALL.map(|form| (form.as_str(), form));
    let Some(forms) = table.choices("written", &names)? else { return Ok(None) };
    let forms = forms.into_iter().fold(Forms::NONE, Forms::with);
    match table.get("written") {
        Some(at) if forms.contains(Form::Listed) && !has_universe => Err(
            at.error("\"listed\" means listed in the universe, and there is none: name one under [universe]")
        ),
        Some(_) | None => Ok(Some(forms)),
    }
}

/// Coins are searched for in the whole text unless the list names only the first line.
fn is_first_line(table: &Table<'_>) -> Result<bool, SyntaxError> {
    let places = table.choices("in", &[("text", false), ("first_line", true)])?;
    Ok(places.is_some_and(|places| places.iter().all(|is_first_line| *is_first_line)))
}

fn symbols(table: &Table<'_>, key: &str) -> Result<Vec<String>, SyntaxError> {
    let Some(list) = table.strings(key)? else { return Ok(Vec::new()) };
    if list.is_empty() && key == "only" {
        return Err(table.empty(key));
    }
    let mut symbols = Vec::with_capacity(list.len());
    for at in &list {
        // As the coins of a text are read, so that every spelling of it is the same coin.
        let mut symbol = String::new();
        plain::push_visible(at.value.trim(), &mut symbol);
        if symbol.is_empty() || !symbol.chars().all(char::is_alphanumeric) {
            return Err(at.error(format!("\"{}\" is not a symbol: write it as \"EDGE\"", at.value)));
        }
        symbols.push(symbol.to_uppercase());
    }
    Ok(without_repeats(symbols))
}

fn max(table: &Table<'_>, is_branch: bool) -> Result<Option<u64>, SyntaxError> {
    match (table.count("max")?, table.get("max")) {
        (Some(_), Some(at)) if is_branch => {
            Err(at.error("`max` is about all assets of a rule: it stands in the rule's own `assets`"))
        }
        (Some(count), _) if count.value >= LOCAL_ASSETS as u64 => Err(count.error(format!(
            "`max` must be below {LOCAL_ASSETS}, which is how many coins of a text are looked at"
        ))),
        (Some(count), _) if count.value == 0 => {
            Err(count.error("`max` must be at least 1: with 0 nothing could open"))
        }
        (count, _) => Ok(count.map(|at| at.value)),
    }
}

/// True is every known venue, a list names some, false none.
fn venues(table: &Table<'_>, key: &str, known: &[&str]) -> Result<Vec<String>, SyntaxError> {
    let Some(at) = table.get(key) else { return Ok(Vec::new()) };
    if let Some(all) = at.value.as_bool() {
        return Ok(if all { known.iter().map(|&name| name.to_owned()).collect() } else { Vec::new() });
    }
    if at.value.as_array().is_none() {
        return Err(
            at.error(format!("`{key}` takes true, false or a list of venues, such as [\"{}\"]", known[0]))
        );
    }
    let pairs: Vec<_> = known.iter().map(|name| (*name, *name)).collect();
    let mut names = Vec::new();
    for at in table.strings(key)?.unwrap_or_default() {
        let name = choose(key, &at, &pairs).map_err(|mut error| {
            if key == "cex" {
                error.message.push_str("; for other exchanges use tokens with tradable = [\"gateio\"]");
            }
            error
        })?;
        names.push(name.to_owned());
    }
    if names.is_empty() {
        return Err(table.empty(key));
    }
    Ok(without_repeats(names))
}

pub(super) fn markets(table: &Table<'_>) -> Result<Vec<Market>, SyntaxError> {
    let Some(list) = table.strings("emit")? else { return Ok(Vec::new()) };
    if list.is_empty() {
        return Err(table.empty("emit"));
    }
    Ok(without_repeats(list.iter().map(market).collect::<Result<_, _>>()?))
}

pub(super) fn market(at: &At<'_, &str>) -> Result<Market, SyntaxError> {
    let (venue, name) = at.value.split_once(':').unwrap_or_default();
    if venue.is_empty()
        || name.is_empty()
        || at.value.contains(|letter: char| letter.is_whitespace() || letter == '\0')
    {
        return Err(at.error(format!(
            "\"{}\" is not a market: write venue:NAME, such as \"binance:DOGEUSDT\"",
            at.value
        )));
    }
    let venue = venue.to_lowercase();
    let is_prediction = PREDICTION_VENUES.contains(&venue.as_str());
    let class = if is_prediction { AssetClass::Prediction } else { AssetClass::Cex };
    Ok(Market { class, venue, name: name.to_owned() })
}
