//! Which numbers an option accepts.

/// What a number must be. Every number must be finite, too.
#[derive(Clone, Copy, Debug)]
pub enum Fits {
    /// Any finite number.
    Any,
    /// Above 0.
    Positive,
    /// 0 or more.
    NotNegative,
    /// A whole number, 0 or more.
    Count,
    /// A whole number, 1 or more.
    Some,
}

impl Fits {
    /// Tells whether a number fits. NaN or infinity stands for a value that is no number, and does not fit.
    #[must_use]
    pub fn admits(self, number: f64) -> bool {
        let fits = match self {
            Self::Any => true,
            Self::Positive => number > 0.0,
            Self::NotNegative => number >= 0.0,
            Self::Count => number >= 0.0 && number.fract() == 0.0,
            Self::Some => number >= 1.0 && number.fract() == 0.0,
        };
        fits && number.is_finite()
    }

    /// Returns what is wrong with a number that does not fit. The text follows the option's name.
    #[must_use]
    pub const fn wrong(self) -> &'static str {
        match self {
            Self::Any => " must be a finite number",
            Self::Positive => " must be a finite number above 0",
            Self::NotNegative => " must be a finite number, 0 or more",
            Self::Count => " must be a whole number, 0 or more",
            Self::Some => " must be a whole number, 1 or more",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Fits; 5] = [Fits::Any, Fits::Positive, Fits::NotNegative, Fits::Count, Fits::Some];

    #[test]
    fn only_finite_numbers_fit() {
        for fits in ALL {
            assert!(fits.admits(1.0));
            for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                assert!(!fits.admits(number), "{fits:?} {number}");
            }
        }
    }

    #[test]
    fn each_has_its_own_limits() {
        let fitting = |number: f64| ALL.map(|fits| fits.admits(number));
        assert_eq!(fitting(-1.0), [true, false, false, false, false]);
        assert_eq!(fitting(0.0), [true, false, true, true, false]);
        assert_eq!(fitting(0.5), [true, true, true, false, false]);
        assert_eq!(fitting(1.0), [true; 5]);
    }

    #[test]
    fn what_is_wrong_says_which_numbers_fit() {
        for fits in ALL {
            let wrong = fits.wrong();
            assert!(wrong.starts_with(" must be a "), "{wrong}");
            assert_eq!(wrong.contains("above 0"), !fits.admits(0.0) && fits.admits(0.5), "{wrong}");
            assert_eq!(wrong.contains("0 or more"), fits.admits(0.0) && !fits.admits(-1.0), "{wrong}");
            assert_eq!(wrong.contains("whole"), !fits.admits(0.5), "{wrong}");
            assert_eq!(wrong.contains("1 or more"), !fits.admits(0.0) && !fits.admits(0.5), "{wrong}");
        }
    }
}
