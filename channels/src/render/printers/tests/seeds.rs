//! Random cases whose seed is known, so that what is found can be run again.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

/// The seeds to run with: those of `SEEDS`, where `fresh` is one that nobody has had (`SEEDS=7,fresh cargo test …`); else
/// one that is the same each time.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no main.rs that reads the environment"
)]
fn seeds() -> Vec<u64> {
    let given = std::env::var("SEEDS").unwrap_or_default();
    let given = given.split(',').filter(|seed| !seed.trim().is_empty());
    let seed = |seed: &str| match seed.trim() {
        "fresh" => RandomState::new().build_hasher().finish(),
        seed => seed.parse().expect("SEEDS are numbers, or fresh"),
    };
    let given: Vec<u64> = given.map(seed).collect();
    if given.is_empty() { vec![1] } else { given }
}

/// Tries so many cases with each seed. What fails is shown in the smallest form that does, with the seed.
pub(super) fn for_seeds<S: Strategy>(
    cases: u32,
    strategy: impl Fn() -> S,
    holds: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    for seed in seeds() {
        let mut runner = TestRunner::new(ProptestConfig {
            rng_seed: RngSeed::Fixed(seed),
            failure_persistence: None,
            ..ProptestConfig::with_cases(cases)
        });
        let tried = runner.run(&strategy(), &holds);
        tried.unwrap_or_else(|error| panic!("SEEDS={seed}: {error}"));
    }
}
