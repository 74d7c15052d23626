//! `tiendo projection`: a second state beside the one that answers.
//!
//! `verify` is the comparison that keeps nothing; `show` how a second state is told.

mod show;
mod verify;

use wire::v1;

use super::log::{Way, bar, last};
use super::told;
use crate::Failure;
use crate::cli::{Projection, Rebuild, SourceName};
use crate::client::Clients;
use crate::fail::{FAILED, REFUTED};
use crate::output::Output;
use show::show;

pub(super) async fn run(
    command: Projection,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    match command {
        Projection::Rebuild(rebuild) if rebuild.verify => verify::verify(clients, output).await,
        Projection::Rebuild(wanted) => rebuild(wanted, clients, output).await,
        Projection::Status => {
            let request = v1::GetProjectionRebuildRequest {};
            let answer = clients.query().await?.get_projection_rebuild(request).await;
            let answer = answer.map_err(told(output))?.into_inner();
            show(
                "GetProjectionRebuildResponse",
                &answer,
                answer.rebuild.as_ref(),
                output,
            )
        }
        Projection::Switch(wanted) => switch(wanted.accept_differences, clients, output).await,
        Projection::Undo => {
            let request = v1::UndoProjectionSwitchRequest {};
            let answer = clients.query().await?.undo_projection_switch(request).await;
            let answer = answer.map_err(told(output))?.into_inner();
            show(
                "UndoProjectionSwitchResponse",
                &answer,
                answer.rebuild.as_ref(),
                output,
            )
        }
        Projection::Cancel(wanted) => {
            let request = v1::CancelProjectionRebuildRequest {
                discard: wanted.discard,
            };
            let answer = clients
                .query()
                .await?
                .cancel_projection_rebuild(request)
                .await;
            let answer = answer.map_err(told(output))?.into_inner();
            show(
                "CancelProjectionRebuildResponse",
                &answer,
                answer.rebuild.as_ref(),
                output,
            )
        }
    }
}

async fn rebuild(wanted: Rebuild, clients: &Clients, output: Output) -> Result<(), Failure> {
    let source = match wanted.source {
        None => v1::ProjectionRebuildSource::Unspecified,
        Some(SourceName::Log) => v1::ProjectionRebuildSource::Log,
        Some(SourceName::Bus) => v1::ProjectionRebuildSource::Bus,
    };
    let request = v1::RebuildProjectionRequest {
        source: source as i32,
        anew: wanted.anew,
    };
    let answers = clients.query().await?.rebuild_projection(request).await;
    let answers = answers.map_err(told(output))?.into_inner();
    let bar = bar(
        0,
        ("Đang dựng trạng thái thứ hai", "Folding a second state"),
        output,
    );
    let answer = last(answers, way, &bar, output).await?;
    let rebuild = answer.rebuild.clone().unwrap_or_default();
    let is_ready = rebuild.phase() == v1::ProjectionRebuildPhase::Ready;
    let is_same = rebuild.comparison.as_ref().is_some_and(|found| found.same);
    if is_ready && wanted.switch && (is_same || wanted.accept_differences) {
        return switch(wanted.accept_differences, clients, output).await;
    }
    show("RebuildProjectionResponse", &answer, Some(&rebuild), output)?;
    ended(&rebuild, output)
}

/// How far the service has come.
fn way(answer: &v1::RebuildProjectionResponse) -> Way {
    let rebuild = answer.rebuild.clone().unwrap_or_default();
    Way {
        position: rebuild.position,
        head: rebuild.head,
        done: rebuild.phase() != v1::ProjectionRebuildPhase::Folding,
    }
}

/// Whether a rebuild came to an end at which nothing is left to be looked at.
fn ended(rebuild: &v1::ProjectionRebuild, output: Output) -> Result<(), Failure> {
    let lang = output.lang;
    match (rebuild.phase(), &rebuild.comparison) {
        (v1::ProjectionRebuildPhase::Ready, Some(found)) if found.same => Ok(()),
        (v1::ProjectionRebuildPhase::Ready, _) => {
            let text = lang.pick(
                "trạng thái dựng lại khác với trạng thái đang phục vụ; xem các khác biệt ở trên, rồi `tiendo projection switch --accept-differences` hoặc `tiendo projection cancel --discard` [REBUILD_DIFFERS]",
                "the second state differs from the one that answers; look at the differences above, then `tiendo projection switch --accept-differences` or `tiendo projection cancel --discard` [REBUILD_DIFFERS]",
            );
            Err(Failure::new(REFUTED, text))
        }
        _ => {
            let text = lang.pick(
                "có người đã dừng việc dựng lại; chạy lại lệnh để tiếp tục",
                "somebody ended the rebuild; run the command again to go on",
            );
            Err(Failure::new(FAILED, text))
        }
    }
}

async fn switch(
    accept_differences: bool,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let request = v1::SwitchProjectionRequest { accept_differences };
    let answer = clients.query().await?.switch_projection(request).await;
    let answer = answer.map_err(told(output))?.into_inner();
    show(
        "SwitchProjectionResponse",
        &answer,
        answer.rebuild.as_ref(),
        output,
    )
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::*;
    use crate::lang::Lang;
    use crate::output::Format;

    #[test]
    fn a_rebuild_that_differs_or_was_ended_does_not_end_as_if_all_were_well() {
        let output = Output {
            format: Format::Json,
            lang: Lang::En,
            out: None,
        };
        let rebuild = |phase: v1::ProjectionRebuildPhase, same| v1::ProjectionRebuild {
            phase: phase as i32,
            comparison: Some(v1::ProjectionComparison {
                same,
                ..v1::ProjectionComparison::default()
            }),
            ..v1::ProjectionRebuild::default()
        };
        let (ready, cancelled) = (
            v1::ProjectionRebuildPhase::Ready,
            v1::ProjectionRebuildPhase::Cancelled,
        );
        assert!(ended(&rebuild(ready, true), output).is_ok());
        let differs = ended(&rebuild(ready, false), output).unwrap_err();
        assert!(differs.text().contains("[REBUILD_DIFFERS]"));
        assert_eq!(differs.report(), ExitCode::from(76));
        let ended = ended(&rebuild(cancelled, true), output).unwrap_err();
        assert_eq!(ended.report(), ExitCode::from(70));
    }
}
