//! `tiendo model list`; `matrix` stands in a module of its own; what is recorded of models is in `record`.

use wire::v1;

use super::{at_line, matrix, read_at, record, show, told};
use crate::Failure;
use crate::cli::Model;
use crate::client::Clients;
use crate::output::Output;
use crate::pages;

pub(super) async fn run(command: Model, clients: &Clients, output: Output) -> Result<(), Failure> {
    let (locality, group, at) = match command {
        Model::List {
            locality,
            group,
            at,
        } => (locality, group, at),
        Model::Matrix(wanted) => return matrix::run(wanted, clients, output).await,
        Model::Record(command) => return record::model(command, clients, output).await,
    };
    let request = v1::ListModelsRequest {
        code: locality.unwrap_or_default(),
        group: group.unwrap_or_default(),
        at: read_at(at),
        ..Default::default()
    };
    let mut client = clients.query().await?;
    let ask = async |r| client.list_models(r).await;
    let answer = pages::all(request, usize::MAX, ask).await;
    let answer = answer.map_err(told(output))?;
    let head = at_line(answer.at.as_ref(), output);
    output.answer(
        "ListModelsResponse",
        &answer,
        &head,
        &show::models(&answer.models, output),
    )
}
