//! A method as policies see it.

use capfile::Target;
use cedar_policy::{Entity, EntityUid};
use serde_json::{Map, Value};

use crate::input::Tool;
use crate::json::Once;
use crate::names::{Names, groups, uid};
use crate::resource::{self, Resource};
use crate::types::{self, Field};

/// A method: its action with the groups that have it, and what its arguments say.
#[derive(Debug, Clone)]
pub(crate) struct Method {
    pub(crate) name: String,
    pub(crate) server: EntityUid,
    pub(crate) action: EntityUid,
    pub(crate) entity: Entity,
    pub(crate) works_on: Vec<Target>,
    pub(crate) fields: Vec<Field>,
    /// The action and its groups.
    pub(crate) within: Vec<EntityUid>,
}

impl Method {
    pub(crate) fn new(tool: &Tool, names: &Names) -> Self {
        let action = names.action(&tool.method);
        let groups: Vec<EntityUid> =
            groups(&tool.server, &tool.effects).iter().map(|group| names.action(group)).collect();
        let parents = groups.iter().cloned().collect();
        Self {
            name: tool.method.clone(),
            server: uid(&names.server, &tool.server),
            entity: Entity::new_no_attrs(action.clone(), parents),
            works_on: tool.works_on.clone(),
            fields: types::arguments(tool.input_schema.as_ref()),
            within: groups.into_iter().chain([action.clone()]).collect(),
            action,
        }
    }

    /// The method itself, which a call works on that names nothing else.
    pub(crate) fn itself(&self, names: &Names) -> Resource {
        Resource::tool(names, &self.server, &self.name)
    }

    /// What a call with these arguments works on, or the argument that does not say it.
    pub(crate) fn resources(
        &self,
        names: &Names,
        arguments: &Map<String, Value>,
    ) -> Result<Vec<Resource>, String> {
        resource::of_call(names, &self.server, &self.name, &self.works_on, arguments)
    }
}

/// The arguments of a call. They are one object, without two members of the same name.
pub(crate) fn arguments(text: Option<&str>) -> Option<Map<String, Value>> {
    match serde_json::from_str(text.unwrap_or("{}")).ok()? {
        Once(Value::Object(members)) => Some(members),
        Once(_) => None,
    }
}
