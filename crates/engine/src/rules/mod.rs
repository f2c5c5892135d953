//! Rules, and how their texts and those of tweets are read.
//!
//! `signal` builds on this and decides; nothing here knows about decisions, deadlines or earlier views.

mod addresses;
mod asset;
mod authors;
mod candidates;
mod conditions;
mod found;
mod matcher;
mod parse;
mod plain;
mod reading;
mod rule;
mod set;
mod strategy;
mod written;

pub use asset::asset_key;
pub(crate) use asset::{Identity, emitted, evidence_of};
pub use candidates::LOCAL_ASSETS;
pub(crate) use candidates::could_open;
pub use conditions::{Authors, Condition, Cooldown, CooldownBy, Rule};
pub(crate) use conditions::{Cooling, Facts, Stage, is_there, listed};
pub(crate) use found::Found;
pub use parse::RuleReader;
pub(crate) use plain::shows_nothing;
pub(crate) use reading::Reading;
pub use rule::{Alias, AssetFilter, Branch, Fire, Market, Term, TermMode, Terms};
pub use set::{RuleSet, RuleSetError};
pub use strategy::{Case, Judgement, Strategy};
pub use written::{Form, Forms};
