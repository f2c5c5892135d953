//! The decoder against the reference, on made-up and on damaged frames.

use proptest::prelude::*;
use stoop_model::{Bad, BadReason};
use stoop_wire::{Decoder, Limits};

use crate::generate::{Draw, frame, mutate};
use crate::reference::{self, Verdict};
use crate::show::{Fields, decode_with, list};

/// Small enough that generated frames reach them.
const LIMITS: Limits = Limits { max_frame: 20_000, max_depth: 6, max_batch: 2, max_items: 2 };

fn compare(decoder: &mut Decoder, bytes: &[u8]) -> Result<bool, TestCaseError> {
    let ours = decode_with(decoder, bytes);
    let text = String::from_utf8_lossy(bytes);
    match reference::decode(bytes, LIMITS) {
        Verdict::Refused => {
            let refused = matches!(
                ours.as_slice(),
                [Err(Bad {
                    reason: BadReason::Syntax
                        | BadReason::InvalidEscape
                        | BadReason::NumberRange
                        | BadReason::TooDeep,
                    offset: Some(at),
                })] if *at as usize <= bytes.len()
            );
            prop_assert!(refused, "the reference refuses\n{text}\n{ours:?}");
            Ok(false)
        }
        Verdict::Elements(expect) => {
            prop_assert_eq!(lines(&ours), lines(&expect), "{}", text);
            Ok(ours.iter().any(Result::is_ok))
        }
    }
}

fn lines(elements: &[Result<Fields, Bad>]) -> Vec<String> {
    elements.iter().map(|element| element.as_ref().map_or_else(Bad::to_string, list)).collect()
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() }
}

#[test]
fn made_up_frames_read_alike() {
    let mut good = 0;
    let mut decoder = Decoder::new(LIMITS);
    for (seeds, odd) in [(0..1500_u64, 0), (1500..3000, 10), (3000..4500, 60)] {
        for seed in seeds {
            let text = frame(&mut Draw::new(seed), odd);
            match compare(&mut decoder, text.as_bytes()) {
                Ok(is_good) => good += usize::from(is_good),
                Err(error) => panic!("seed {seed}: {error}"),
            }
        }
    }
    // Not a test of refusals only.
    assert!(good > 2500, "{good} of 4500 are good");
}

proptest! {
    #![proptest_config(config(4000))]

    #[test]
    fn any_seed_reads_alike(seed: u64, odd in 0_usize..120) {
        let text = frame(&mut Draw::new(seed), odd);
        compare(&mut Decoder::new(LIMITS), text.as_bytes())?;
    }

    #[test]
    fn damaged_frames_read_alike(seed: u64, odd in 0_usize..20) {
        let mut draw = Draw::new(seed);
        let mut bytes = frame(&mut draw, odd).into_bytes();
        let mut decoder = Decoder::new(LIMITS);
        for _ in 0..4 {
            mutate(&mut draw, &mut bytes);
            compare(&mut decoder, &bytes)?;
        }
    }

    #[test]
    fn any_bytes_give_one_reason(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        compare(&mut Decoder::new(LIMITS), &bytes)?;
    }

    #[test]
    fn any_json_like_text_reads_alike(text in r#"[\[\]{},:"a\\u08.eE+\- truefalsn\n]{0,40}"#) {
        compare(&mut Decoder::new(LIMITS), text.as_bytes())?;
    }
}
