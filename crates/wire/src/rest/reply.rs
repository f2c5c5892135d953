//! The answers of the account endpoints.

use simd_json::BorrowedValue;
use simd_json::prelude::*;
use simd_json::tape::Value;
use stoop_model::Bad;

use super::{raw, read_value};

/// Most handles or results of one answer that are read; the rest is left out.
const MOST: usize = 10_000;

/// How many are in use and how many the plan allows; `None` where the answer does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// In use.
    pub count: Option<u64>,
    /// Allowed.
    pub limit: Option<u64>,
}

/// The answer of `GET /api/me`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Me {
    /// `plan`, as it came.
    pub plan: Option<String>,
    /// `trackedAccounts`.
    pub accounts: Quota,
    /// `trackedAccounts.handles`, as they came. Also empty if the answer has no such list.
    pub handles: Vec<String>,
    /// `websocket`; some servers say `active` for `count`.
    pub sockets: Quota,
}

/// The answer of `POST /api/add-account` and `DELETE /api/remove-account`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountsReply {
    /// `action`, such as `follow`.
    pub action: Option<String>,
    /// `requestId`.
    pub request_id: Option<String>,
    /// `error`, of the request as a whole.
    pub error: Option<String>,
    /// `results`, in their order.
    pub rows: Vec<AccountRow>,
    /// `summary`, the JSON as it came.
    pub summary: Option<String>,
}

/// What became of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountRow {
    /// `input`: the account as the request named it.
    pub input: Option<String>,
    /// `state`.
    pub state: AccountState,
    /// `handle`.
    pub handle: Option<String>,
    /// `name`.
    pub name: Option<String>,
    /// `normalizedHandle`.
    pub normalized_handle: Option<String>,
    /// `twitterId`.
    pub twitter_id: Option<String>,
    /// `message`.
    pub message: Option<String>,
}

/// The state of one account after a request (protocol §4, `twitter_handles_result`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AccountState {
    /// It is followed from now on.
    Added,
    /// It was followed before.
    AlreadyFollowing,
    /// It is no longer followed.
    Removed,
    /// It was not followed before.
    NotFollowing,
    /// The request named it twice.
    Duplicate,
    /// The input is not a handle.
    InvalidInput,
    /// There is no such account.
    NotFound,
    /// The server could not do it.
    Failed,
    /// A state this version does not know, as it came.
    Unknown(String),
    /// The row does not say.
    #[default]
    Missing,
}

impl AccountState {
    fn parse(text: &str) -> Self {
        match text {
            "added" => Self::Added,
            "already_following" => Self::AlreadyFollowing,
            "removed" => Self::Removed,
            "not_following" => Self::NotFollowing,
            "duplicate" => Self::Duplicate,
            "invalid_input" => Self::InvalidInput,
            "not_found" => Self::NotFound,
            "failed" => Self::Failed,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// The name on the wire; `missing` if there was none.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Added => "added",
            Self::AlreadyFollowing => "already_following",
            Self::Removed => "removed",
            Self::NotFollowing => "not_following",
            Self::Duplicate => "duplicate",
            Self::InvalidInput => "invalid_input",
            Self::NotFound => "not_found",
            Self::Failed => "failed",
            Self::Unknown(name) => name,
            Self::Missing => "missing",
        }
    }

    /// The account is as the request wanted it, whether it changed or not. An unknown state is not good.
    pub fn is_good(&self) -> bool {
        match self {
            Self::Added | Self::AlreadyFollowing | Self::Removed | Self::NotFollowing | Self::Duplicate => {
                true
            }
            Self::InvalidInput | Self::NotFound | Self::Failed | Self::Unknown(_) | Self::Missing => false,
        }
    }
}

/// What an answer with an error status says; all `None` if nothing in it can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorReply {
    /// `error` or `message`.
    pub message: Option<String>,
    /// `details`: a text, or other JSON as it came.
    pub details: Option<String>,
}

impl Me {
    /// Reads the answer. Every member is optional; `None` if the answer is not a JSON object.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, Bad> {
        read_value(bytes, |me| {
            me.as_object()?;
            let accounts = me.get("trackedAccounts");
            let handles = accounts.as_ref().and_then(|accounts| accounts.get("handles"));
            Some(Self {
                plan: text(&me, "plan"),
                accounts: quota(accounts.as_ref()),
                handles: list(handles.as_ref(), |handle| {
                    handle.as_str().map(str::to_owned).or_else(|| text(handle, "handle"))
                }),
                sockets: quota(me.get("websocket").as_ref()),
            })
        })
    }
}

impl AccountsReply {
    /// Reads the answer, whatever its status was; `None` if it is not an object with `results` or `action`.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, Bad> {
        // Kept as it came: its members are not documented.
        let summary = raw::member(bytes.trim_ascii(), "summary");
        let summary = summary.map(|json| String::from_utf8_lossy(json).into_owned());
        read_value(bytes, |reply| {
            let results = reply.get("results").filter(Value::is_array);
            if results.is_none() && text(&reply, "action").is_none() {
                return None;
            }
            Some(Self {
                action: text(&reply, "action"),
                request_id: text(&reply, "requestId"),
                error: text(&reply, "error"),
                rows: list(results.as_ref(), |row| row.is_object().then(|| self::row(row))),
                summary,
            })
        })
    }
}

impl ErrorReply {
    /// Reads what it can.
    pub fn read(bytes: &[u8]) -> Self {
        let details = raw::member(bytes.trim_ascii(), "details");
        let details = details.map(|json| String::from_utf8_lossy(json).into_owned());
        read_value(bytes, |reply| {
            let error = reply.get("error");
            let nested = error.as_ref().and_then(|error| text(error, "message"));
            Self {
                message: text(&reply, "error").or(nested).or_else(|| text(&reply, "message")),
                details: text(&reply, "details").or(details),
            }
        })
        .unwrap_or_default()
    }
}

/// The body of a request about accounts: `{"accounts":[…]}`.
pub fn accounts_request(accounts: &[String]) -> Vec<u8> {
    let quoted: Vec<String> =
        accounts.iter().map(|account| BorrowedValue::from(account.as_str()).encode()).collect();
    format!(r#"{{"accounts":[{}]}}"#, quoted.join(",")).into_bytes()
}

fn row(row: &Value<'_, '_>) -> AccountRow {
    AccountRow {
        input: text(row, "input"),
        state: text(row, "state").map_or(AccountState::Missing, |state| AccountState::parse(&state)),
        handle: text(row, "handle"),
        name: text(row, "name"),
        normalized_handle: text(row, "normalizedHandle"),
        twitter_id: text(row, "twitterId"),
        message: text(row, "message"),
    }
}

/// A text, or a whole number as its digits.
pub(super) fn text(value: &Value<'_, '_>, name: &str) -> Option<String> {
    let value = value.get(name)?;
    value.as_str().map(str::to_owned).or_else(|| value.as_u64().map(|number| number.to_string()))
}

fn quota(value: Option<&Value<'_, '_>>) -> Quota {
    let number = |name: &str| value?.get(name)?.as_u64();
    // Some servers say `active` for `count`.
    Quota { count: number("count").or_else(|| number("active")), limit: number("limit") }
}

fn list<T>(value: Option<&Value<'_, '_>>, read: impl Fn(&Value<'_, '_>) -> Option<T>) -> Vec<T> {
    let Some(items) = value.and_then(Value::as_array) else { return Vec::new() };
    items.iter().take(MOST).filter_map(|item| read(&item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me(text: &str) -> Option<Me> {
        Me::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn me_is_read_in_both_spellings_and_with_anything_missing() {
        let whole = me(
            r#"{"plan":"ELITE","trackedAccounts":{"count":2,"limit":50,"handles":["a",{"handle":"@B"},7]},
            "websocket":{"active":1,"limit":10},"stripe":{"status":"active"}}"#,
        )
        .unwrap();
        assert_eq!(whole.plan.as_deref(), Some("ELITE"));
        assert_eq!(whole.handles, ["a", "@B"]);
        assert_eq!(whole.accounts, Quota { count: Some(2), limit: Some(50) });
        assert_eq!(whole.sockets, Quota { count: Some(1), limit: Some(10) });
        let count = me(r#"{"websocket":{"count":3,"active":4}}"#).unwrap();
        assert_eq!(count.sockets.count, Some(3));
        assert_eq!(me("{}"), Some(Me::default()));
        assert_eq!(me(r#"{"plan":null,"trackedAccounts":7,"websocket":[]}"#), Some(Me::default()));
        assert_eq!(me("[]"), None);
        assert!(Me::read(b"<html>").is_err() && Me::read(b"").is_err());
    }

    #[test]
    fn account_results_are_read_row_by_row() {
        let reply = br#"{"action":"follow","requestId":"r-1","error":null,"results":[
            {"input":"@A","state":"added","handle":"A","normalizedHandle":"a","twitterId":44196397},
            {"input":"b","state":"not_found","message":"no such account"},
            {"input":"c","state":"postponed"},{"input":"d"},"rubbish"],"summary":{"added": 1}}"#;
        let reply = AccountsReply::read(reply).unwrap().unwrap();
        assert_eq!((reply.action.as_deref(), reply.error.as_deref()), (Some("follow"), None));
        assert_eq!(reply.request_id.as_deref(), Some("r-1"));
        assert_eq!(reply.summary.as_deref(), Some(r#"{"added": 1}"#));
        let states: Vec<_> = reply.rows.iter().map(|row| (row.state.as_str(), row.state.is_good())).collect();
        assert_eq!(states, [("added", true), ("not_found", false), ("postponed", false), ("missing", false)]);
        assert_eq!(reply.rows[0].twitter_id.as_deref(), Some("44196397"));
    }

    #[test]
    fn every_state_of_the_protocol_keeps_its_name() {
        let names = "added already_following invalid_input duplicate not_found failed removed not_following";
        for name in names.split(' ') {
            let state = AccountState::parse(name);
            assert!(!matches!(state, AccountState::Unknown(_)), "{name}");
            assert_eq!(state.as_str(), name);
        }
    }

    #[test]
    fn an_answer_without_results_is_none() {
        assert_eq!(AccountsReply::read(br#"{"error":"bad"}"#), Ok(None));
        assert_eq!(AccountsReply::read(br#"{"results":"no"}"#), Ok(None));
        assert!(AccountsReply::read(b"not json").is_err());
    }

    #[test]
    fn a_request_quotes_whatever_was_typed() {
        let accounts = ["@a".to_owned(), "b\"\\\n".to_owned()];
        assert_eq!(accounts_request(&accounts), br#"{"accounts":["@a","b\"\\\n"]}"#);
        assert_eq!(accounts_request(&[]), br#"{"accounts":[]}"#);
    }

    #[test]
    fn errors_are_told_under_either_name() {
        let error = |text: &str| ErrorReply::read(text.as_bytes());
        let told = error(r#"{"error":"invalid API key","details":{"plan": "basic"}}"#);
        assert_eq!(told.message.as_deref(), Some("invalid API key"));
        assert_eq!(told.details.as_deref(), Some(r#"{"plan": "basic"}"#));
        assert_eq!(error(r#"{"message":"m","details":"d"}"#).details.as_deref(), Some("d"));
        assert_eq!(error(r#"{"error":{"message":"m"}}"#).message.as_deref(), Some("m"));
        assert_eq!(error("<html>"), ErrorReply::default());
        assert_eq!(error("[]"), ErrorReply::default());
    }
}
