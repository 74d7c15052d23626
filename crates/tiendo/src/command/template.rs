//! `tiendo template`.

use tonic::transport::Channel;
use wire::v1;
use wire::v1::query_service_client::QueryServiceClient;

use super::told;
use crate::Failure;
use crate::cli::{Template, TemplateName};
use crate::client::Clients;
use crate::fail::{FAILED, USAGE};
use crate::lang::Lang;
use crate::output::Output;
use crate::pages;

/// Most localities read; no place has more than a few hundred below it.
const PLACES_MAX: usize = 20_000;

pub(super) async fn run(
    wanted: Template,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let mut query = clients.query().await?;
    let mut lists = sheet::Lists {
        indicators: indicators(&mut query, output).await?,
        localities: Vec::new(),
    };
    if let Some(parent) = &wanted.parent {
        lists.localities = localities(&mut query, parent, output).await?;
    }
    let kind = match wanted.kind {
        TemplateName::Figures => sheet::Template::Figures,
        TemplateName::Quotas => sheet::Template::Quotas,
    };
    let lang = output.lang;
    let bytes = sheet::template(kind, &lists, lang == Lang::Vi)
        .map_err(|error| Failure::new(FAILED, lang.pick(error.vi(), error.to_string())))?;
    let out = wanted.out.display();
    // A file that somebody may have filled in already is never written over.
    std::fs::File::create_new(&wanted.out)
        .and_then(|mut file| std::io::Write::write_all(&mut file, &bytes))
        .map_err(|error| {
            let text = lang.pick(
                format!("không ghi được {out}: {error}"),
                format!("{out} cannot be written: {error}"),
            );
            Failure::new(USAGE, text)
        })?;
    output.text(&lang.pick(
        format!("Đã tạo {out}; điền xong, nhập bằng: tiendo import {out}"),
        format!("{out} is made; once filled in, import it with: tiendo import {out}"),
    ))
}

async fn indicators(
    query: &mut QueryServiceClient<Channel>,
    output: Output,
) -> Result<Vec<(String, String)>, Failure> {
    let request = v1::ListIndicatorsRequest {
        at: None,
        ..Default::default()
    };
    let ask = async |r| query.list_indicators(r).await;
    let listed = pages::all(request, usize::MAX, ask).await;
    let indicators = listed.map_err(told(output))?.indicators.into_iter();
    Ok(indicators
        .map(|indicator| {
            let name = output.lang.name(indicator.name.as_ref()).to_string();
            (indicator.indicator, name)
        })
        .collect())
}

/// The localities right below a place.
async fn localities(
    query: &mut QueryServiceClient<Channel>,
    parent: &str,
    output: Output,
) -> Result<Vec<(String, String)>, Failure> {
    let request = v1::ListLocalitiesRequest {
        parent_code: parent.to_owned(),
        ..v1::ListLocalitiesRequest::default()
    };
    let ask = async |r| query.list_localities(r).await;
    let found = pages::all(request, PLACES_MAX, ask).await;
    let found = found.map_err(told(output))?.localities.into_iter();
    let named = found.map(|head| {
        let name = output.lang.name(head.name.as_ref()).to_string();
        (head.r#ref.unwrap_or_default().code, name)
    });
    Ok(named.collect())
}
