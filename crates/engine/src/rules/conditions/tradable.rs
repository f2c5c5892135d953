//! `tradable`: whether the universe lists the asset of an open.

use std::collections::BTreeSet;

use stoop_model::Asset;

use super::{Check, Facts, Rule, Stage, listed};
use crate::Universe;
use crate::rules::asset::asset_key;
use crate::rules::parse::without_repeats;
use crate::syntax::{SyntaxError, Table};

/// Exchanges of a universe that a warning names.
const VENUES_SHOWN: usize = 10;

/// The universe lists the asset where the rule asks for that.
pub(crate) struct Tradable;

impl Check for Tradable {
    const KEYS: &'static [&'static str] = &["tradable"];
    const STAGE: Stage = Stage::Asset;

    fn holds(facts: &mut Facts<'_>) -> bool {
        facts.keep_admitted::<Self>()
    }

    fn why(facts: &mut Facts<'_>) -> String {
        let all = listed(facts.found.opens.iter().map(|asset| asset_key(asset.as_ref())));
        let venues = facts.rule.tradable.as_deref().unwrap_or_default();
        let at = if venues.is_empty() { "any venue".to_owned() } else { venues.join(" or ") };
        format!("the universe does not list {all} at {at}")
    }

    fn admits(facts: &Facts<'_>, asset: Option<&Asset>) -> bool {
        let Some(venues) = &facts.rule.tradable else { return true };
        let mut markets = facts.set.listings(asset);
        markets.any(|listing| venues.is_empty() || venues.contains(&listing.venue))
    }

    fn hashed(rule: &Rule) -> Option<String> {
        rule.tradable.as_ref().map(|venues| format!(";tradable={}", venues.join(",")))
    }
}

/// `has_assets`: the rule has `assets` of its own.
pub(in crate::rules) fn read(
    table: &Table<'_>,
    has_assets: bool,
    universe: Option<&Universe>,
    warnings: &mut Vec<SyntaxError>,
) -> Result<Option<Vec<String>>, SyntaxError> {
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
        if let Some(universe) = universe {
            let can_open = venues.iter().any(|venue| universe.has_venue(venue));
            let outcome = if can_open { "" } else { ": this rule can never open" };
            let unknown = list.iter().zip(&venues).filter(|(_, venue)| !universe.has_venue(venue));
            warnings.extend(unknown.map(|(at, venue)| {
                let has = venues_of(universe);
                at.error(format!("the universe lists nothing at \"{venue}\"; it has {has}{outcome}"))
            }));
        }
    } else {
        return Err(at.error("`tradable` takes true, false or a list of venues, such as [\"gateio\"]"));
    }
    if !has_assets {
        return Err(
            at.error("`tradable` needs an `assets` of the rule itself; those of its branches do not count")
        );
    }
    if universe.is_none() {
        return Err(
            at.error("`tradable` means listed in the universe, and there is none: name one under [universe]")
        );
    }
    Ok(Some(without_repeats(venues)))
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
