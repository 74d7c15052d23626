//! The ladder that an open case goes up while nothing changes: nhắc, đôn đốc, giao ban, giải trình, phê bình, kiểm điểm.

/// Whose head is told, as seen from the place that a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Office {
    /// The place itself.
    Unit,
    /// The place directly above.
    Parent,
    /// The province.
    Province,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// From 1.
    pub(crate) number: u32,
    /// What it is called, as a text begins.
    pub(crate) vi: &'static str,
    pub(crate) en: &'static str,
    /// Days after the step before was told; the first is told at once.
    pub(crate) after_days: u32,
    /// Days within which an answer is expected; none if no answer is.
    pub(crate) reply_days: Option<u32>,
    /// Who is told, the unit first.
    pub(crate) tells: &'static [Office],
}

/// The steps in their order.
pub(crate) const LADDER: [Step; 6] = [
    Step {
        number: 1,
        vi: "Nhắc",
        en: "Reminder",
        after_days: 0,
        reply_days: Some(7),
        tells: &[Office::Unit],
    },
    Step {
        number: 2,
        vi: "Đôn đốc",
        en: "Urging",
        after_days: 7,
        reply_days: Some(7),
        tells: &[Office::Unit],
    },
    Step {
        number: 3,
        vi: "Giao ban",
        en: "Briefing",
        after_days: 7,
        reply_days: Some(5),
        tells: &[Office::Unit, Office::Parent],
    },
    Step {
        number: 4,
        vi: "Giải trình",
        en: "Account required",
        after_days: 7,
        reply_days: Some(5),
        tells: &[Office::Unit, Office::Parent],
    },
    Step {
        number: 5,
        vi: "Phê bình",
        en: "Criticism",
        after_days: 14,
        reply_days: Some(5),
        tells: &[Office::Unit, Office::Parent, Office::Province],
    },
    Step {
        number: 6,
        vi: "Kiểm điểm",
        en: "Review of responsibility",
        after_days: 14,
        reply_days: None,
        tells: &[Office::Unit, Office::Parent, Office::Province],
    },
];

/// The step with a number; none after the last.
pub(crate) fn step(ladder: &[Step], number: u32) -> Option<&Step> {
    ladder.iter().find(|step| step.number == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_numbered_from_one_and_only_the_first_comes_at_once() {
        let numbers: Vec<u32> = LADDER.iter().map(|step| step.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
        let at_once = LADDER.iter().filter(|step| step.after_days == 0);
        assert_eq!(at_once.map(|step| step.number).collect::<Vec<_>>(), [1]);
        assert!(LADDER.iter().all(|step| step.tells[0] == Office::Unit));
        assert_eq!(step(&LADDER, 7), None);
    }
}
