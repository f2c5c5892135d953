//! The REST interface beside the socket: plan and limits, accounts, history.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Bytes;

use crate::config::{Config, Plan};
use crate::door::{authorised, bearer};
use crate::history::History;
use crate::http::{Request, error_response, json_response};
use crate::reel::Reel;

/// Longest handle accepted. X allows 15; handles in fixtures are longer, so that they belong to no real account.
const HANDLE_CHARS: usize = 50;
/// Accounts whose handles begin with this do not exist.
const MISSING: &str = "missing";

/// The accounts that are followed, and the history of the input.
#[derive(Debug)]
pub(crate) struct Api {
    /// Handles as they were written, keyed by their lower case.
    accounts: Mutex<BTreeMap<String, String>>,
    requests: Mutex<u64>,
    history: History,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Add,
    Remove,
}

impl Api {
    /// Follows the accounts that post in the input.
    pub(crate) fn new(reel: &Reel) -> Self {
        let accounts = reel.handles.iter().map(|handle| (handle.to_lowercase(), handle.clone()));
        Self {
            accounts: Mutex::new(accounts.collect()),
            requests: Mutex::default(),
            history: History::default(),
        }
    }

    /// The response to a request below `/api/`; `None` for other paths. `rebased` gives the frames of the history where
    /// they are not those of the input.
    pub(crate) fn respond(
        &self,
        (request, body): (&Request, &[u8]),
        config: &Config,
        reel: &Reel,
        sockets: usize,
        rebased: impl FnOnce() -> Option<Vec<Bytes>>,
    ) -> Option<Vec<u8>> {
        let endpoint = request.path.strip_prefix("/api/")?;
        let method = match endpoint {
            "me" | "history" => "GET",
            "add-account" => "POST",
            "remove-account" => "DELETE",
            _ => return Some(error_response(404, "not found")),
        };
        if request.method != method {
            return Some(error_response(405, "method not allowed"));
        }
        if !authorised(config, bearer(request)) {
            return Some(error_response(401, "invalid API key"));
        }
        Some(match endpoint {
            "me" => json_response(200, &self.me(config, sockets).to_string()),
            "history" if config.plan == Plan::Basic => {
                error_response(403, "History API is not included in your plan")
            }
            "history" => match self.history.answer(request, reel, rebased()) {
                Ok(answer) => json_response(200, &answer),
                Err(message) => error_response(400, &message),
            },
            "add-account" => self.change(Change::Add, body, config),
            _ => self.change(Change::Remove, body, config),
        })
    }

    fn me(&self, config: &Config, sockets: usize) -> Value {
        let accounts = self.accounts();
        let handles: Vec<&String> = accounts.keys().collect();
        json!({
            "plan": config.plan.as_str(),
            "trackedAccounts": { "count": handles.len(), "limit": config.plan.accounts(), "handles": handles },
            "websocket": { "count": sockets, "limit": config.max_connections },
        })
    }

    fn change(&self, change: Change, body: &[u8], config: &Config) -> Vec<u8> {
        let named = serde_json::from_slice::<Value>(body).map(|body| match &body["accounts"] {
            Value::String(one) => Some(vec![one.clone()]),
            Value::Array(many) => many.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
        });
        let Ok(Some(named)) = named else {
            return error_response(400, "accounts must be a handle or a list of handles");
        };
        let mut accounts = self.accounts();
        let mut done: Vec<String> = Vec::new();
        let mut rows = Vec::new();
        for input in &named {
            let handle = input.trim().trim_start_matches('@');
            let normalized = handle.to_lowercase();
            let is_handle = (1..=HANDLE_CHARS).contains(&handle.len())
                && handle.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let is_followed = accounts.contains_key(&normalized);
            let (state, message) = match change {
                _ if !is_handle => ("invalid_input", Some("not a handle")),
                _ if done.contains(&normalized) => ("duplicate", None),
                Change::Add if is_followed => ("already_following", None),
                Change::Add if normalized.starts_with(MISSING) => ("not_found", Some("no such account")),
                Change::Add if accounts.len() >= config.plan.accounts() => {
                    ("failed", Some("the limit of tracked accounts of your plan is reached"))
                }
                Change::Add => {
                    accounts.insert(normalized.clone(), handle.to_owned());
                    ("added", None)
                }
                Change::Remove if is_followed => {
                    accounts.remove(&normalized);
                    ("removed", None)
                }
                Change::Remove => ("not_following", None),
            };
            let mut row = json!({ "input": input, "state": state });
            if is_handle {
                row["handle"] = json!(handle);
                row["normalizedHandle"] = json!(normalized);
            }
            if let Some(message) = message {
                row["message"] = json!(message);
            }
            let is_good = !matches!(state, "invalid_input" | "not_found" | "failed");
            rows.push((row, is_good));
            done.push(normalized);
        }
        let good = rows.iter().filter(|(_, is_good)| *is_good).count();
        // As the feed does: 207 if only some were changed.
        let status = match good {
            good if good == rows.len() && good > 0 => 200,
            0 => 400,
            _ => 207,
        };
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests += 1;
        let reply = json!({
            "action": if change == Change::Add { "follow" } else { "unfollow" },
            "requestId": format!("mock-{}", *requests),
            "error": if good == 0 { json!("no account was changed") } else { Value::Null },
            "summary": { "requested": rows.len(), "succeeded": good, "failed": rows.len() - good },
            "results": rows.into_iter().map(|(row, _)| row).collect::<Vec<_>>(),
        });
        json_response(status, &reply.to_string())
    }

    fn accounts(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Input;
    use crate::http::request;

    fn reel() -> Reel {
        let frames = [
            r#"{"t":"tweet","op":"content","ts":1781095200123,"d":{"tweetId":"1","text":"a","createdAt":1781095199900,"author":{"handle":"@First_Desk_Of_Mocks"}}}"#,
            r#"{"t":"tweet","op":"meta","ts":1781095200340,"d":{"tweetId":"1","ocr":{"text":"x"}}}"#,
            "not json",
            r#"[{"t":"tweet","op":"content","ts":1781095300123,"d":{"tweetId":"2","text":"b","createdAt":1781095299900,"receivedAt":1781095299999,"author":{"handle":"@second_desk_of_mocks"}}}]"#,
            r#"{"t":"account","op":"unfollow","ts":1781095400123,"d":{"kind":"UNFOLLOW","observedAt":1781095400000,"actor":{"handle":"@second_desk_of_mocks"},"target":{}}}"#,
        ];
        Reel::load(Input::Frames(frames.iter().map(|frame| frame.as_bytes().to_vec()).collect()), false)
            .unwrap()
    }

    fn ask(api: &Api, config: &Config, reel: &Reel, line: &str, body: &str) -> (u16, Value) {
        let request = request(&format!("{line} HTTP/1.1\r\nAuthorization: Bearer k\r\n\r\n"));
        let response = api.respond((&request, body.as_bytes()), config, reel, 1, || None).unwrap();
        let response = String::from_utf8(response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
    }

    #[test]
    fn accounts_change_and_the_status_tells_how_many() {
        let (reel, config) = (reel(), Config { plan: Plan::Basic, ..Config::default() });
        let api = Api::new(&reel);
        let ask = |line: &str, body: &str| ask(&api, &config, &reel, line, body);
        let (status, reply) =
            ask("POST /api/add-account", r#"{"accounts":["@New_One","new_one","missing_x","a b"]}"#);
        let told: Vec<_> =
            reply["results"].as_array().unwrap().iter().map(|row| row["state"].clone()).collect();
        assert_eq!(
            (status, told),
            (207, vec![json!("added"), json!("duplicate"), json!("not_found"), json!("invalid_input")])
        );
        assert_eq!(
            ask("POST /api/add-account", r#"{"accounts":"NEW_ONE"}"#).1["results"][0]["state"],
            "already_following"
        );
        assert_eq!(
            ask("DELETE /api/remove-account", r#"{"accounts":"@new_one"}"#).1["results"][0]["state"],
            "removed"
        );
        assert_eq!(ask("DELETE /api/remove-account", r#"{"accounts":["new_one"]}"#).0, 200);
        let (status, reply) = ask("POST /api/add-account", r#"{"accounts":["missing"]}"#);
        assert_eq!((status, reply["summary"]["failed"].clone()), (400, json!(1)));
        let many: Vec<String> = (0..60).map(|n| format!("account_{n}")).collect();
        let (status, reply) = ask("POST /api/add-account", &json!({ "accounts": many }).to_string());
        assert_eq!((status, reply["summary"]["succeeded"].clone()), (207, json!(48)), "the plan has 50");
        let me = ask("GET /api/me", "").1;
        assert_eq!(
            (me["trackedAccounts"]["count"].clone(), me["trackedAccounts"]["limit"].clone()),
            (json!(50), json!(50))
        );
        for body in ["", "{}", r#"{"accounts":7}"#, r#"{"accounts":[7]}"#] {
            assert_eq!(ask("POST /api/add-account", body).0, 400, "{body}");
        }
    }

    #[test]
    fn history_is_newest_first_within_its_bounds() {
        let (reel, config) = (reel(), Config::default());
        let api = Api::new(&reel);
        let ids = |query: &str| {
            let (status, answer) = ask(&api, &config, &reel, &format!("GET /api/history{query}"), "");
            assert_eq!(status, 200, "{answer}");
            let rows = answer["data"].as_array().unwrap();
            assert_eq!(answer["metadata"]["count"], rows.len());
            rows.iter().map(|row| row["tweetId"].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(ids(""), ["2", "1"]);
        assert_eq!(ids("?limit=1"), ["2"]);
        assert_eq!(ids("?handles=FIRST_desk_of_mocks,%40other"), ["1"]);
        assert_eq!(ids("?endDate=2026-06-10T12%3A40%3A00Z"), ["1"]);
        assert_eq!(ids("?startDate=2026-06-10T12:40:00Z&endDate=2026-06-11"), ["2"]);
        assert_eq!(ids("?type=FOLLOW"), ["-"]);
        assert_eq!(ids("?type=profile"), Vec::<String>::new());
        let row = &ask(&api, &config, &reel, "GET /api/history?limit=2", "").1["data"][1];
        assert_eq!(row["content"]["createdAt"], "2026-06-10T12:39:59.900Z");
        assert_eq!(
            (row["meta"]["ocr"]["text"].clone(), row["messageType"].clone()),
            (json!("x"), json!("TWEET"))
        );
        for query in ["?limit=0", "?limit=1001", "?type=PIN", "?startDate=soon"] {
            assert_eq!(ask(&api, &config, &reel, &format!("GET /api/history{query}"), "").0, 400, "{query}");
        }
    }

    #[test]
    fn the_door_is_kept() {
        let reel = reel();
        let api = Api::new(&reel);
        let basic = Config { plan: Plan::Basic, ..Config::default() };
        let locked = Config { api_key: Some(crate::Key::new("other")), ..Config::default() };
        assert_eq!(ask(&api, &basic, &reel, "GET /api/history", "").0, 403);
        for line in ["GET /api/me", "GET /api/history", "POST /api/add-account", "DELETE /api/remove-account"]
        {
            assert_eq!(ask(&api, &locked, &reel, line, "{}").0, 401, "{line}");
        }
        assert_eq!(ask(&api, &basic, &reel, "POST /api/me", "").0, 405);
        assert_eq!(ask(&api, &basic, &reel, "GET /api/other", "").0, 404);
    }
}
