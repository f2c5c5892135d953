//! Asset filters and markets.

use stoop_model::AssetClass;

use super::without_repeats;
use crate::signal::rule::{AssetFilter, CEX_VENUES, Market, PREDICTION_VENUES};
use crate::syntax::{At, SyntaxError, Table, choose};

pub(super) fn filter(table: &Table<'_>) -> Result<AssetFilter, SyntaxError> {
    table.only(&["tokens", "cex", "prediction", "addresses"])?;
    let filter = AssetFilter {
        tokens: table.bool("tokens")?.unwrap_or(false),
        cex: venues(table, "cex", &CEX_VENUES)?,
        prediction: venues(table, "prediction", &PREDICTION_VENUES)?,
        addresses: table.bool("addresses")?.unwrap_or(false),
    };
    if filter == AssetFilter::default() {
        return Err(table
            .error("`assets` asks for nothing: set tokens, cex, prediction or addresses, or leave it out"));
    }
    Ok(filter)
}

/// True is every known venue, a list names some, false none.
fn venues(table: &Table<'_>, key: &str, known: &[&str]) -> Result<Vec<String>, SyntaxError> {
    let Some(at) = table.get(key) else { return Ok(Vec::new()) };
    if let Some(all) = at.value.as_bool() {
        return Ok(if all { known.iter().map(|&name| name.to_owned()).collect() } else { Vec::new() });
    }
    if at.value.as_array().is_none() {
        return Err(at.error(format!("`{key}` takes true, false or a list of venues")));
    }
    let pairs: Vec<_> = known.iter().map(|name| (*name, *name)).collect();
    let mut names = Vec::new();
    for at in table.strings(key)?.unwrap_or_default() {
        names.push(choose(key, &at, &pairs)?.to_owned());
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
            "\"{}\" is no market: write venue:NAME, such as \"binance:DOGEUSDT\"",
            at.value
        )));
    }
    let venue = venue.to_lowercase();
    let is_prediction = PREDICTION_VENUES.contains(&venue.as_str());
    let class = if is_prediction { AssetClass::Prediction } else { AssetClass::Cex };
    Ok(Market { class, venue, name: name.to_owned() })
}
