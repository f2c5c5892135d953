//! What a rule is and how texts are read for it: rules and their conditions, the parser, plain text, terms, coins.

pub(crate) mod addresses;
pub(crate) mod asset;
pub(crate) mod authors;
pub(crate) mod candidates;
pub(crate) mod matcher;
mod parse;
pub(crate) mod plain;
pub(crate) mod rule;
pub(crate) mod set;
pub(crate) mod written;

pub use candidates::LOCAL_ASSETS;
pub use parse::RuleReader;
pub(crate) use plain::shows_nothing;
pub use rule::{
    Alias, AssetFilter, Authors, Branch, Cooldown, CooldownBy, Fire, Market, Rule, Term, TermMode, Terms,
};
pub use set::{RuleSet, RuleSetError};
pub use written::{Form, Forms};
