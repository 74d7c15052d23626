//! What is done to whom, and for how long: all of it follows from the seed.

use std::fmt;
use std::time::Duration;

use tiendo_tests::cluster::NODES;

/// Nothing takes longer to be whole again; three nodes and three services want more than the usual patience on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGKILL of a nats-server, which is started again.
    KillNode(usize),
    /// SIGSTOP of a nats-server, then SIGCONT.
    FreezeNode(usize),
    /// SIGKILL of a service, which is started again.
    KillService(usize),
    /// SIGSTOP of a service, then SIGCONT.
    FreezeService(usize),
    /// The leader of a stream has to step down.
    StepDown(usize),
    /// A stream is deleted.
    DeleteStream(usize),
    /// Somebody else fills the servers' stores, and empties them again.
    FillStore,
}

/// The services, by their number in a fault.
pub(crate) const SERVICES: [&str; 3] = ["ingest", "projection", "alerting"];
/// The streams, by their number in a fault.
pub(crate) const STREAMS: [&str; 2] = ["TIENDO_KHANH-HOA", "TIENDO_KHANH-HOA-ALERTS"];

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::KillNode(node) => write!(formatter, "node-{node} is killed"),
            Self::FreezeNode(node) => write!(formatter, "node-{node} is frozen"),
            Self::KillService(service) => write!(formatter, "{} is killed", SERVICES[service]),
            Self::FreezeService(service) => write!(formatter, "{} is frozen", SERVICES[service]),
            Self::StepDown(stream) => write!(formatter, "{}: its leader", STREAMS[stream]),
            Self::DeleteStream(stream) => write!(formatter, "{} is deleted", STREAMS[stream]),
            Self::FillStore => write!(formatter, "the stores are full"),
        }
    }
}

/// A fault, how long it lasts, and whether the next one comes before it is healed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) fault: Fault,
    pub(crate) lasts: Duration,
    pub(crate) overlaps: bool,
}

/// SplitMix64: the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn one_of(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).unwrap_or(0)
    }
}

/// Every kind of fault once, in a drawn order, then again: a short run leaves none out.
pub(crate) fn drawn(seed: u64, steps: usize) -> Vec<Step> {
    let mut dice = Dice(seed);
    let mut deck = Vec::new();
    let mut plan = Vec::new();
    while plan.len() < steps {
        if deck.is_empty() {
            deck = faults(&mut dice);
        }
        let fault = deck.swap_remove(dice.one_of(deck.len()));
        plan.push(Step {
            fault,
            lasts: Duration::from_millis(200 + dice.below(2_300)),
            overlaps: dice.below(4) == 0,
        });
    }
    plan
}

fn faults(dice: &mut Dice) -> Vec<Fault> {
    let mut faults = vec![
        Fault::KillNode(dice.one_of(NODES)),
        Fault::FreezeNode(dice.one_of(NODES)),
        Fault::StepDown(dice.one_of(STREAMS.len())),
        Fault::DeleteStream(dice.one_of(STREAMS.len())),
        Fault::FillStore,
    ];
    for service in 0..SERVICES.len() {
        faults.extend([Fault::KillService(service), Fault::FreezeService(service)]);
    }
    faults
}

#[test]
fn a_seed_is_a_plan() {
    assert_eq!(drawn(7, 40), drawn(7, 40));
    assert_ne!(drawn(7, 40), drawn(8, 40));
    let kinds = |plan: &[Step]| {
        let kinds = plan.iter().map(|step| {
            let name = format!("{:?}", step.fault);
            name.split('(').next().unwrap_or_default().to_owned()
        });
        kinds.collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(kinds(&drawn(1, 11)), 7);
}
