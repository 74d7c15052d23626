//! Where each kind of event goes.

use std::collections::BTreeMap;

use domain::code::{IndicatorCode, WorkItemCode};
use domain::event::{
    Body, CampaignClosed, CampaignLaunched, CompletionDeclared, Event, IndicatorRelated,
    ModelStatusChanged, OrganisationSucceeded, OwnerAssigned, ProgressCorrected, ProgressReported,
    QuotaAssigned, QuotaSuspended, SystemCommissioned, WorkingGroupFormed,
};
use domain::locality::LocalityId;
use domain::text::fold;

use crate::state::{Dataset, State};
use crate::timeline::{Stamp, Timeline};
use crate::work::WorkItem;

/// Adds a fact to the timeline under a key.
fn keep<K: Ord, T: Clone>(table: &mut BTreeMap<K, Timeline<T>>, key: K, stamp: Stamp, body: &T) {
    table.entry(key).or_default().insert(stamp, body.clone());
}

impl State {
    /// Folds an event of the position just taken.
    pub(crate) fn fold(&mut self, event: &Event) {
        let actor = self.actors.intern(&event.actor);
        let stamp = Stamp {
            effective: event.effective,
            position: self.position,
            actor,
        };
        self.fold_body(stamp, &event.body);
        self.flag(stamp, event);
    }

    fn fold_body(&mut self, stamp: Stamp, body: &Body) {
        match body {
            Body::LocalityRegistered(e) => self.places.register(stamp, e),
            Body::LocalityEnded(e) => self.places.end(stamp, e),
            Body::PlanAdopted(e) => keep(&mut self.plans, e.plan.clone(), stamp, e),
            Body::GroupDefined(e) => keep(&mut self.groups, e.group.clone(), stamp, e),
            Body::ModelDefined(e) => keep(&mut self.models, e.model.clone(), stamp, e),
            Body::GroupWithdrawn(e) => {
                keep(&mut self.withdrawn_groups, e.group.clone(), stamp, e);
            }
            Body::ModelWithdrawn(e) => {
                keep(&mut self.withdrawn_models, e.model.clone(), stamp, e);
            }
            Body::OrganisationSucceeded(e) => self.succeed(stamp, e),
            Body::IndicatorRelated(e) => self.relate(stamp, e),
            Body::OwnerAssigned(e) => self.assign_owner(stamp, e),
            Body::PersonErased(e) => keep(&mut self.erasures, e.appointment, stamp, e),
            Body::ModelStatusChanged(e) => self.change_status(stamp, e),
            Body::IndicatorDefined(e) => self.indicators.define(stamp, e),
            Body::QuotaAssigned(e) => self.assign_quota(stamp, e),
            Body::QuotaSuspended(e) => self.suspend_quota(stamp, e),
            Body::ProgressRetracted(e) => self.retract(stamp, e),
            Body::FindingResolved(e) => {
                keep(&mut self.resolutions, (e.position, e.check), stamp, e);
            }
            Body::ProgressReported(e) => self.report(stamp, e),
            Body::ProgressCorrected(e) => self.correct(stamp, e),
            Body::CampaignLaunched(e) => self.launch(stamp, e),
            Body::CampaignClosed(e) => self.close(stamp, e),
            Body::WorkingGroupFormed(e) => self.form_group(stamp, e),
            Body::CompletionDeclared(e) => self.declare(stamp, e),
            Body::SystemCommissioned(e) => self.commission(stamp, e),
            Body::DatasetLoaded(e) => self.datasets.push(Dataset::new(e, self.position)),
            // Who writes changes nothing of what is on record.
            Body::LedgerTakenOver(_) => {}
            Body::RulesAdopted(e) => keep(&mut self.rules, e.version.clone(), stamp, e),
            Body::WorkItemDefined(e) => self.item(e.locality, &e.work_item).define(stamp, e),
            Body::WorkItemProgressed(e) => self.item(e.locality, &e.work_item).progress(stamp, e),
            Body::WorkItemRescheduled(e) => {
                self.item(e.locality, &e.work_item).reschedule(stamp, e);
            }
            Body::WorkItemCancelled(e) => self.item(e.locality, &e.work_item).cancel(stamp, e),
            Body::WorkItemCompleted(e) => self.item(e.locality, &e.work_item).complete(stamp, e),
            Body::ReadinessReviewed(e) => {
                let place = self.places.intern(e.locality);
                keep(&mut self.reviews, place, stamp, e);
            }
            Body::DirectiveIssued(e) => {
                let place = self.places.intern(e.locality);
                keep(&mut self.directives, place, stamp, e);
            }
            Body::AssessmentPublished(e) => {
                let place = self.places.intern(e.locality);
                keep(&mut self.assessments, place, stamp, e);
            }
        }
    }

    fn assign_owner(&mut self, stamp: Stamp, owner: &OwnerAssigned) {
        let place = self.places.intern(owner.locality);
        self.owners.assign(place, stamp, owner);
    }

    fn change_status(&mut self, stamp: Stamp, status: &ModelStatusChanged) {
        let key = (self.places.intern(status.locality), status.model.clone());
        keep(&mut self.statuses, key, stamp, status);
    }

    fn assign_quota(&mut self, stamp: Stamp, quota: &QuotaAssigned) {
        let (place, indicator) = self.intern_key(quota.locality, &quota.indicator);
        keep(
            &mut self.quotas,
            (place, indicator, quota.layer),
            stamp,
            quota,
        );
    }

    fn suspend_quota(&mut self, stamp: Stamp, suspension: &QuotaSuspended) {
        let (place, indicator) = self.intern_key(suspension.locality, &suspension.indicator);
        let key = (place, indicator, suspension.layer);
        keep(&mut self.suspensions, key, stamp, suspension);
    }

    fn succeed(&mut self, stamp: Stamp, succession: &OrganisationSucceeded) {
        let place = self.places.intern(succession.locality);
        let key = (place, fold(&succession.organisation));
        keep(&mut self.successions, key, stamp, succession);
    }

    fn relate(&mut self, stamp: Stamp, related: &IndicatorRelated) {
        let key = (related.indicator.clone(), related.relation);
        keep(&mut self.relations, key, stamp, related);
    }

    fn close(&mut self, stamp: Stamp, closed: &CampaignClosed) {
        let key = (self.places.intern(closed.locality), closed.campaign.clone());
        keep(&mut self.closings, key, stamp, closed);
    }

    fn form_group(&mut self, stamp: Stamp, formed: &WorkingGroupFormed) {
        let place = self.places.intern(formed.locality);
        let key = (place, formed.campaign.clone(), formed.group.clone());
        keep(&mut self.working_groups, key, stamp, formed);
    }

    fn report(&mut self, stamp: Stamp, report: &ProgressReported) {
        let key = self.intern_key(report.locality, &report.indicator);
        self.keep_figure(key, stamp, &report.figure, &report.note, 0);
    }

    fn correct(&mut self, stamp: Stamp, right: &ProgressCorrected) {
        let key = self.intern_key(right.locality, &right.indicator);
        self.keep_figure(key, stamp, &right.figure, &right.reason, right.corrects);
    }

    fn launch(&mut self, stamp: Stamp, campaign: &CampaignLaunched) {
        let place = self.places.intern(campaign.locality);
        let campaigns = self.campaigns.entry(place).or_default();
        keep(campaigns, campaign.campaign.clone(), stamp, campaign);
    }

    fn declare(&mut self, stamp: Stamp, declaration: &CompletionDeclared) {
        let key = self.intern_key(declaration.locality, &declaration.indicator);
        keep(&mut self.declarations, key, stamp, declaration);
    }

    fn commission(&mut self, stamp: Stamp, system: &SystemCommissioned) {
        let place = self.places.intern(system.locality);
        let systems = self.systems.entry(place).or_default();
        keep(systems, system.system.clone(), stamp, system);
    }

    fn item(&mut self, id: LocalityId, work_item: &WorkItemCode) -> &mut WorkItem {
        let items = self.work_items.entry(self.places.intern(id)).or_default();
        items.entry(work_item.clone()).or_default()
    }

    fn intern_key(&mut self, id: LocalityId, indicator: &IndicatorCode) -> (u32, u32) {
        (self.places.intern(id), self.indicators.intern(indicator))
    }
}
