//! Rules of judgement: a version says one thing for ever, and `lag` can reckon with it.

use domain::Reason;
use domain::event::{Body, RulesAdopted};
use domain::text::Moment;
use lag::{Bounds, Rules};

use super::{OnRecord, Verdict};
use crate::pending::Thing;

impl OnRecord<'_> {
    /// The version must be new, or say what it said.
    pub(super) fn rules_version(&self, rules: &RulesAdopted) -> Verdict {
        let version = &rules.version;
        if version.as_str() == Rules::standard().version {
            let detail = format!("'{version}' is the name of the shipped rules; take another");
            return Err((Reason::VersionTaken, detail));
        }
        let thing = Thing::Rules(version.clone());
        let pending = self.pending.newest(&thing, |_: Moment| true);
        let pending = pending.and_then(|(_, body)| match body {
            Body::RulesAdopted(said) => Some(said),
            _ => None,
        });
        let said = self.state.rules_version(version).or(pending);
        if said.is_none_or(|said| said.says_the_same(rules)) {
            return Ok(());
        }
        let detail =
            format!("'{version}' was adopted with other contents; give these another name");
        Err((Reason::VersionTaken, detail))
    }
}

/// No threshold may make a formula of `lag` meaningless.
pub(super) fn thresholds(rules: &RulesAdopted) -> Verdict {
    let thresholds = &rules.thresholds;
    let number = |name: &str| thresholds.number(name);
    let rules = Rules::named(rules.version.as_str(), number, &thresholds.due_soon_days);
    let Some((name, bounds)) = rules.unusable() else {
        return Ok(());
    };
    let must = match bounds {
        Bounds::Above(least) => format!("above {least}"),
        Bounds::AtLeast(least) => format!("{least} or more"),
        Bounds::Between(least, most) => format!("from {least} to {most}"),
        Bounds::NotBelow(other) => format!("at least {other}"),
        Bounds::Number => "a number".to_owned(),
    };
    Err((Reason::ThresholdRange, format!("{name} must be {must}")))
}
