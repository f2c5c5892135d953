//! Inputs other than frames, as events.

use serde::{Deserialize, Serialize};
use stoop_engine::{Command, Gap, Input, Message};
use stoop_model::{Platform, TweetId};

use super::event_type;
use crate::state::to_json;

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum EventJson {
    Gap { from_ns: i64, to_ns: i64, cause: String },
    // The name on tapes is older than the words command and message; old tapes must stay readable.
    External(CommandJson),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum CommandJson {
    SwitchOff { switch_off: String },
    Message { strategy: Option<String>, tweet: Option<String>, platform: Option<String>, text: String },
}

/// A gap as an event of type `gap`.
pub fn write_gap(gap: &Gap) -> Vec<u8> {
    let Gap { from_ns, to_ns, cause } = gap;
    to_json(&EventJson::Gap { from_ns: *from_ns, to_ns: *to_ns, cause: cause.clone() })
}

/// A command as an event of type `external`.
pub fn write_command(command: &Command) -> Vec<u8> {
    let json = match command {
        Command::SwitchOff { strategy } => CommandJson::SwitchOff { switch_off: strategy.clone() },
        Command::Message(Message { strategy, tweet, platform, text }) => CommandJson::Message {
            strategy: strategy.clone(),
            tweet: tweet.as_ref().map(ToString::to_string),
            platform: platform.as_ref().map(|platform| platform.as_str().to_owned()),
            text: text.clone(),
        },
    };
    to_json(&EventJson::External(json))
}

/// Reads a gap or a command of `at_ns` back; none from an event of another type.
pub fn read_event(json: &[u8], at_ns: i64) -> Result<Option<Input<&'static [u8]>>, serde_json::Error> {
    // Other types are notes or are read elsewhere; an unknown one is no reason to refuse a tape.
    if !matches!(event_type(json).as_deref(), Some("gap" | "external")) {
        return Ok(None);
    }
    let input = match serde_json::from_slice(json)? {
        EventJson::Gap { from_ns, to_ns, cause } => Input::gap(Gap { from_ns, to_ns, cause }, at_ns),
        EventJson::External(command) => Input::command(command.into(), at_ns),
    };
    Ok(Some(input))
}

impl From<CommandJson> for Command {
    fn from(json: CommandJson) -> Self {
        match json {
            CommandJson::SwitchOff { switch_off } => Self::SwitchOff { strategy: switch_off },
            CommandJson::Message { strategy, tweet, platform, text } => Self::Message(Message {
                strategy,
                tweet: tweet.as_deref().map(TweetId::parse),
                platform: platform.as_deref().map(Platform::parse),
                text,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_gaps_read_back_as_they_were_written() {
        let message = Message {
            strategy: Some("s".to_owned()),
            tweet: Some(TweetId::Number(7)),
            platform: Some(Platform::TruthSocial),
            text: "a \"b\"\n".to_owned(),
        };
        for command in [
            Command::Message(message),
            Command::Message(Message::default()),
            Command::SwitchOff { strategy: "s".to_owned() },
        ] {
            let json = write_command(&command);
            assert_eq!(event_type(&json).as_deref(), Some("external"));
            let read = read_event(&json, 5).unwrap();
            let Some(Input::Command { command: read, at_ns: 5 }) = read else { panic!("{read:?}") };
            assert_eq!(*read, command);
        }
        let gap = Gap { from_ns: 1, to_ns: 2, cause: "restart".to_owned() };
        let json = write_gap(&gap);
        assert_eq!(event_type(&json).as_deref(), Some("gap"));
        let read = read_event(&json, 5).unwrap();
        let Some(Input::Gap { gap: read, at_ns: 5 }) = read else { panic!("{read:?}") };
        assert_eq!(read, gap);
        assert!(read_event(br#"{"type":"opened"}"#, 5).unwrap().is_none());
        assert!(read_event(br#"{"type":"gap"}"#, 5).is_err());
    }
}
