//! `stoop accounts`: which accounts the key follows.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};
use stoop::rest::{Client, Timeouts};
use stoop::wire::{AccountRow, AccountsReply, Me};

use crate::args::{AccountsArgs, AccountsCommand, ConfigArg};
use crate::failure::{Code, Failure, Outcome};
use crate::output::{Lines, note};
use crate::{key, rest};

/// Accounts of one request; how many one may name is not documented.
const BATCH: usize = 100;

pub(crate) fn accounts(args: &AccountsArgs) -> Outcome {
    match &args.command {
        AccountsCommand::List { config, json } => list(config, *json),
        AccountsCommand::Add { handles, config, json } => {
            let plan = Plan { add: handles.clone(), remove: Vec::new(), kept: 0 };
            plan.carry_out(&client(config)?, *json)
        }
        AccountsCommand::Remove { handles, config, json } => {
            let plan = Plan { add: Vec::new(), remove: handles.clone(), kept: 0 };
            plan.carry_out(&client(config)?, *json)
        }
        AccountsCommand::Sync { file, remove, dry_run, config, json } => {
            let wanted = wanted(file)?;
            if *remove && wanted.is_empty() {
                let why = "names no account, and with --remove none would be left; use `accounts remove`";
                return Err(Failure::text(Code::Config, format_args!("{}: {why}", file.display())));
            }
            let client = client(config)?;
            let me = client.me().map_err(rest::failure)?;
            let plan = Plan::between(&me, wanted, *remove);
            plan.show(&me, *remove);
            if *dry_run {
                return plan.tell_dry(*json);
            }
            plan.carry_out(&client, *json)
        }
    }
}

fn client(config: &ConfigArg) -> Result<Client, Failure> {
    let config = rest::load(&config.config)?;
    let key = key::key(&config)?;
    let timeouts = Timeouts { connect: config.feed.connect_timeout, ..Timeouts::default() };
    Ok(Client::new(config.api, key, timeouts))
}

fn list(config: &ConfigArg, as_json: bool) -> Outcome {
    let me = client(config)?.me().map_err(rest::failure)?;
    let mut lines = Lines::stdout();
    if as_json {
        let quota = |quota: stoop::wire::Quota| json!({"count": quota.count, "limit": quota.limit});
        let object = json!({"plan": me.plan, "accounts": quota(me.accounts), "websocket": quota(me.sockets),
                            "handles": me.handles});
        put(&mut lines, &object.to_string())?;
    } else {
        for handle in &me.handles {
            // Names come from outside.
            put(&mut lines, &rest::plain(handle))?;
        }
    }
    lines.flush().map(drop)?;
    note(format_args!("{}", summary(&me)));
    Ok(ExitCode::SUCCESS)
}

fn summary(me: &Me) -> String {
    let of = |quota: stoop::wire::Quota| {
        let number = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
        format!("{} of {}", number(quota.count), number(quota.limit))
    };
    let plan = rest::plain(me.plan.as_deref().unwrap_or("unknown"));
    format!("plan {plan}: {} accounts, {} connections", of(me.accounts), of(me.sockets))
}

/// Handles of a file as they are written, by themselves in one spelling.
fn wanted(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::text(Code::Config, format_args!("cannot read {}: {error}", path.display()))
    })?;
    let mut wanted = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let handle = line.split('#').next().unwrap_or_default().trim();
        if handle.split_whitespace().nth(1).is_some() {
            let place = format!("{}:{number}", path.display());
            return Err(Failure::text(Code::Config, format_args!("{place}: write one handle per line")));
        }
        if !handle.is_empty() {
            wanted.insert(spelled(handle), handle.trim_start_matches('@').to_owned());
        }
    }
    Ok(wanted)
}

/// A handle in the one spelling handles are compared in.
fn spelled(handle: &str) -> String {
    handle.trim().trim_start_matches('@').to_lowercase()
}

/// What is to change.
struct Plan {
    add: Vec<String>,
    remove: Vec<String>,
    /// Followed, and to stay so.
    kept: usize,
}

impl Plan {
    fn between(me: &Me, wanted: BTreeMap<String, String>, is_exact: bool) -> Self {
        let followed: BTreeMap<String, &String> = me.handles.iter().map(|h| (spelled(h), h)).collect();
        let strangers = followed.iter().filter(|(handle, _)| !wanted.contains_key(*handle));
        let remove = if is_exact { strangers.map(|(_, h)| (*h).clone()).collect() } else { Vec::new() };
        let kept = followed.len() - remove.len();
        let add = wanted.into_iter().filter(|(handle, _)| !followed.contains_key(handle));
        Self { add: add.map(|(_, handle)| handle).collect(), remove, kept }
    }

    fn show(&self, me: &Me, is_exact: bool) {
        for (sign, handles) in [('-', &self.remove), ('+', &self.add)] {
            for handle in handles {
                note(format_args!("{sign} {}", rest::plain(handle)));
            }
        }
        let after = self.kept + self.add.len();
        note(format_args!(
            "plan: {} to add, {} to remove, {after} followed then",
            self.add.len(),
            self.remove.len()
        ));
        if let Some(limit) = me.accounts.limit
            && after as u64 > limit
        {
            note(format_args!("stoop: warning: the plan allows {limit} accounts"));
        }
        if !is_exact && self.kept > 0 {
            note(format_args!("accounts that are not in the file stay; --remove removes them"));
        }
    }

    fn tell_dry(&self, as_json: bool) -> Outcome {
        if as_json {
            let mut lines = Lines::stdout();
            put(&mut lines, &json!({"dry_run": true, "add": self.add, "remove": self.remove}).to_string())?;
            lines.flush().map(drop)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Removes first, so that there is room for what is added.
    fn carry_out(&self, client: &Client, as_json: bool) -> Outcome {
        let mut told = Told { lines: Lines::stdout(), as_json, good: 0, bad: 0 };
        for batch in self.remove.chunks(BATCH) {
            told.tell(&client.remove_accounts(batch).map_err(rest::failure)?, "unfollow")?;
        }
        for batch in self.add.chunks(BATCH) {
            told.tell(&client.add_accounts(batch).map_err(rest::failure)?, "follow")?;
        }
        note(format_args!("{} succeeded, {} failed", told.good, told.bad));
        if told.bad > 0 {
            return Ok(Code::Failed.into());
        }
        if told.good > 0 {
            note(format_args!("changes take a while to reach the feed"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Tells what became of each account, one line each.
struct Told {
    lines: Lines,
    as_json: bool,
    good: usize,
    bad: usize,
}

impl Told {
    fn tell(&mut self, reply: &AccountsReply, action: &str) -> Result<(), Failure> {
        for row in &reply.rows {
            if row.state.is_good() {
                self.good += 1;
            } else {
                self.bad += 1;
            }
            let line = if self.as_json { as_json(row, action).to_string() } else { as_text(row) };
            put(&mut self.lines, &line)?;
        }
        self.lines.flush().map(drop)?;
        if let Some(error) = &reply.error {
            note(format_args!("stoop: the server says: {error}"));
        }
        // An answer that names no account has changed none that we know of.
        if reply.rows.is_empty() {
            self.bad += 1;
        }
        Ok(())
    }
}

/// Writes a line. A reader that has gone stops no change of accounts half-way.
fn put(lines: &mut Lines, text: &str) -> Result<(), Failure> {
    lines.write_text(text).map(drop)
}

fn as_json(row: &AccountRow, action: &str) -> Value {
    json!({"action": action, "input": row.input, "state": row.state.as_str(), "ok": row.state.is_good(),
           "handle": row.handle, "normalized_handle": row.normalized_handle, "name": row.name,
           "twitter_id": row.twitter_id, "message": row.message})
}

fn as_text(row: &AccountRow) -> String {
    let name = row.normalized_handle.as_ref().or(row.handle.as_ref()).or(row.input.as_ref());
    let name = rest::plain(name.map_or("?", String::as_str));
    let state = rest::plain(row.state.as_str());
    let message = row.message.as_deref().map(|message| format!("  {message}")).unwrap_or_default();
    format!("{state:<17}  {name}{message}")
}
