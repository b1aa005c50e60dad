//! Ten years of many users. Each user has a fleet of sessions that share a store. Calls, logins, logouts, restarts, sleep, wrong clocks
//! and outages of the server and of the store happen at random instants. The promises to a user must hold.
//!
//! `make decade` takes 1,000 sessions. `DECADE_SEED=8` takes others, and `DECADE_FLEET=8` repeats one fleet alone.

use std::collections::BTreeMap;
use std::env;
use std::thread;

use super::*;

mod figures;
mod life;

use figures::Figures;
use life::Life;

const YEARS: f64 = 10.0;

/// Random numbers, the same ones for the same seed: `SplitMix64`.
struct Chance(u64);

impl Chance {
    #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "53 bits fit")]
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn is(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// Returns a random span between two limits. Its logarithm is uniform, so short spans are as frequent as long ones.
    fn span(&mut self, least: f64, most: f64) -> f64 {
        (least * (most / least).powf(self.share())).floor()
    }

    /// Returns a random wait for something that happens once in `mean` on average.
    fn once_in(&mut self, mean: f64) -> f64 {
        (-mean * (1.0 - self.share()).ln()).floor().max(1.0)
    }

    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "below PROCESSES"
    )]
    fn process(&mut self) -> usize {
        (self.share() * 3.0) as usize
    }
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

/// Tells which fleet it was, if a rule of the fleet itself panics.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("DECADE_FLEET={} repeats it", self.0);
        }
    }
}

#[test]
fn in_ten_years_no_call_gets_a_token_that_is_expired_cleared_or_of_another_user() {
    let sessions = number("DECADE_SESSIONS").unwrap_or(3);
    let seed = number("DECADE_SEED").unwrap_or(7);
    let fleets = sessions.div_ceil(u64::try_from(PROCESSES).expect("few"));
    let mut figures = Figures::default();
    let seeds = match number("DECADE_FLEET") {
        Some(one) => one..one + 1,
        None => seed..seed + fleets,
    };
    println!("{fleets} users with {PROCESSES} sessions each, {YEARS} years, DECADE_SEED={seed}");
    for fleet in seeds {
        let _told = Told(fleet);
        figures.add(Life::new(fleet).lived());
    }
    println!("{figures}");
    assert_eq!(figures.faults, BTreeMap::new());
    assert!(figures.requests_a_token() <= 1.1, "{} requests a token", figures.requests_a_token());
}
