//! Inputs that are no frames, as events.

use serde::{Deserialize, Serialize};
use stoop_engine::{Command, External, Gap};
use stoop_model::{Platform, TweetId};

use super::event_type;
use crate::state::to_json;

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum CommandJson {
    Gap { from_ns: i64, to_ns: i64, cause: String },
    External(ExternalJson),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ExternalJson {
    SwitchOff { switch_off: String },
    Told { strategy: Option<String>, tweet: Option<String>, platform: Option<String>, text: String },
}

/// A command as an event of type `gap` or `external`.
pub fn write_command(command: &Command) -> Vec<u8> {
    let json = match command {
        Command::Gap(Gap { from_ns, to_ns, cause }) => {
            CommandJson::Gap { from_ns: *from_ns, to_ns: *to_ns, cause: cause.clone() }
        }
        Command::SwitchOff { strategy } => {
            CommandJson::External(ExternalJson::SwitchOff { switch_off: strategy.clone() })
        }
        Command::External(External { strategy, tweet, platform, text }) => {
            CommandJson::External(ExternalJson::Told {
                strategy: strategy.clone(),
                tweet: tweet.as_ref().map(ToString::to_string),
                platform: platform.as_ref().map(|platform| platform.as_str().to_owned()),
                text: text.clone(),
            })
        }
    };
    to_json(&json)
}

/// Reads a command back; none of an event of another type.
pub fn read_command(json: &[u8]) -> Result<Option<Command>, serde_json::Error> {
    if !matches!(event_type(json).as_deref(), Some("gap" | "external")) {
        return Ok(None);
    }
    let command = match serde_json::from_slice(json)? {
        CommandJson::Gap { from_ns, to_ns, cause } => Command::Gap(Gap { from_ns, to_ns, cause }),
        CommandJson::External(ExternalJson::SwitchOff { switch_off }) => {
            Command::SwitchOff { strategy: switch_off }
        }
        CommandJson::External(ExternalJson::Told { strategy, tweet, platform, text }) => {
            Command::External(External {
                strategy,
                tweet: tweet.as_deref().map(TweetId::parse),
                platform: platform.as_deref().map(Platform::parse),
                text,
            })
        }
    };
    Ok(Some(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_read_back_as_they_were_written() {
        let external = External {
            strategy: Some("s".to_owned()),
            tweet: Some(TweetId::Number(7)),
            platform: Some(Platform::TruthSocial),
            text: "a \"b\"\n".to_owned(),
        };
        for (command, kind) in [
            (Command::Gap(Gap { from_ns: 1, to_ns: 2, cause: "restart".to_owned() }), "gap"),
            (Command::External(external), "external"),
            (Command::External(External::default()), "external"),
            (Command::SwitchOff { strategy: "s".to_owned() }, "external"),
        ] {
            let json = write_command(&command);
            assert_eq!(event_type(&json).as_deref(), Some(kind));
            assert_eq!(read_command(&json).unwrap(), Some(command));
        }
        assert_eq!(read_command(br#"{"type":"opened"}"#).unwrap(), None);
        assert!(read_command(br#"{"type":"gap"}"#).is_err());
    }
}
