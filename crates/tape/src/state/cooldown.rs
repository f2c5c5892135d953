//! A cooldown of a rule as JSON.

use serde::{Deserialize, Serialize};
use stoop_engine::CooldownState;
use stoop_model::DecisionId;

use super::{StateError, to_json, unknown};

#[derive(Serialize, Deserialize)]
struct CooldownJson {
    serial: u64,
    rule: String,
    subject: Vec<String>,
    decision: String,
    until_ns: i64,
    expires_ns: i64,
}

/// A cooldown as JSON.
pub fn write_cooldown(state: &CooldownState) -> Vec<u8> {
    let CooldownState { serial, rule, subject, decision, until_ns, expires_ns } = state.clone();
    to_json(&CooldownJson { serial, rule, subject, decision: decision.to_string(), until_ns, expires_ns })
}

/// A cooldown from JSON.
pub fn read_cooldown(text: &[u8]) -> Result<CooldownState, StateError> {
    let CooldownJson { serial, rule, subject, decision, until_ns, expires_ns } =
        serde_json::from_slice(text)?;
    let id = u128::from_str_radix(&decision, 16).map_err(|_no_number| unknown("decision", &decision))?;
    Ok(CooldownState { serial, rule, subject, decision: DecisionId(id.to_be_bytes()), until_ns, expires_ns })
}
