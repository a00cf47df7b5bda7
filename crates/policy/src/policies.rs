//! The policies in force.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use capfile::TextSources;
use cedar_policy::Context;

use crate::answer::{Answer, Decision, Explanation};
use crate::cell::{Cell, Matched, Rules, Still};
use crate::check::{self, Checked};
use crate::context::{self, Facts};
use crate::error::{PolicyError, Warning};
use crate::input::{Inputs, Tool};
use crate::made;
use crate::method::{self, Method};
use crate::missing::Missing;
use crate::names::Names;
use crate::owner::{self, Owned};
use crate::question::{Kind, Origin, Principal, Question};
use crate::resource::Resource;
use crate::rule::Known;
use crate::schema;

/// What denies a method that no server has.
const NO_SUCH_METHOD: &str = "there is no such method";
/// What denies one without a key of its own, whom no rule names.
const NOTHING_PERMITS: &str = "nothing permits it";
/// What denies arguments that are no object, or say something twice.
const ARGUMENTS: &str = "arguments";

/// The policies in force, from one set of inputs. Another set is another value, to be swapped in.
#[derive(Debug)]
pub struct Policies {
    pub(crate) names: Names,
    pub(crate) rules: Rules,
    pub(crate) methods: Vec<Method>,
    places: HashMap<String, usize>,
    /// Those whom a policy names. All others of a kind are alike.
    principals: HashMap<String, usize>,
    /// One for each kind, principal and method, made when it is first asked for.
    cells: Vec<OnceLock<Option<Cell>>>,
    schema: String,
    warnings: Vec<Warning>,
}

impl Policies {
    /// The policies of these inputs. One that is broken refuses all.
    pub fn build(inputs: &Inputs) -> Result<Self, PolicyError> {
        let names = Names::new()?;
        let tools = tools(inputs);
        let schema = schema::text(&tools);
        let (owned, Checked { refused, mut warnings }) = checked(inputs, &tools, &schema)?;
        if let Some(first) = refused.into_iter().next() {
            return Err(first);
        }
        let mut all = made::policies(inputs, &tools, &names, &mut warnings)?;
        all.extend(owned.into_iter().map(|owned| owned.known));
        let principals = principals(inputs, &all);
        let methods: Vec<Method> = tools.iter().map(|tool| Method::new(tool, &names)).collect();
        let rules = Rules::new(all)
            .map_err(|name| PolicyError::made(&name, "two rules have this name: rename one"))?;
        let count = Kind::ALL.len() * (principals.len() + 1) * methods.len();
        Ok(Self {
            names,
            rules,
            places: methods.iter().enumerate().map(|(at, one)| (one.name.clone(), at)).collect(),
            methods,
            principals,
            cells: std::iter::repeat_with(OnceLock::new).take(count).collect(),
            schema,
            warnings,
        })
    }

    /// Everything that is wrong with the owner's policies, where [`Policies::build`] tells the first.
    pub fn check(inputs: &Inputs) -> Result<Checked, PolicyError> {
        let tools = tools(inputs);
        checked(inputs, &tools, &schema::text(&tools)).map(|(_, checked)| checked)
    }

    /// What in the owner's policies is likely not meant so.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The Cedar schema that the owner's policies are held to.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Whether the call may be made, and the rule that says so.
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        let Some((method, cell)) = self.cell(question.principal, question.method) else {
            return Decision::deny(NO_SUCH_METHOD);
        };
        if cell.is_still() {
            return cell.answer(still(question), || self.decide_call(cell, method, question).0);
        }
        self.decide_call(cell, method, question).0
    }

    /// How the call is decided, for people.
    pub fn explain(&self, question: &Question<'_>) -> Explanation {
        let Some((method, cell)) = self.cell(question.principal, question.method) else {
            let decision = Decision::deny(NO_SUCH_METHOD);
            return Explanation {
                decision,
                rule: None,
                resources: Vec::new(),
                matched: Vec::new(),
            };
        };
        let (decision, each) = self.decide_call(cell, method, question);
        let mut places: Vec<usize> = each
            .iter()
            .filter_map(|(_, matched)| matched.as_ref())
            .flat_map(|matched| [&matched.forbids, &matched.failed, &matched.permits])
            .flatten()
            .copied()
            .collect();
        places.sort_unstable();
        places.dedup();
        let matched = places.into_iter().filter_map(|place| self.rules.at(place));
        Explanation {
            rule: self.rules.named(&decision.rule).map(|known| known.rule.clone()),
            resources: each.iter().map(|(resource, _)| resource.uid.to_string()).collect(),
            matched: matched.map(|known| known.rule.clone()).collect(),
            decision,
        }
    }

    /// Whether the method may be allowed, or asked for, with any arguments at any time: whether a list shows it.
    pub fn may_ever(&self, principal: Principal<'_>, method: &str) -> bool {
        let Some((method, cell)) = self.cell(principal, method) else { return false };
        let any = Still { untrusted: TextSources::NONE, origin: Origin::Http };
        let still = cell.still(&self.rules, any, (&self.names, method));
        still.is_some_and(|still| cell.may_allow(&self.rules, &still))
    }

    /// The method, and what can apply to it and the principal.
    pub(crate) fn cell(&self, principal: Principal<'_>, method: &str) -> Option<(&Method, &Cell)> {
        let place = *self.places.get(method)?;
        let method = self.methods.get(place)?;
        // The last place is that of all who have no place of their own.
        let known = self.principals.get(principal.name).copied();
        let row = principal.kind as usize * (self.principals.len() + 1);
        let row = row + known.unwrap_or(self.principals.len());
        let cell = self.cells.get(row * self.methods.len() + place)?;
        let cell = cell.get_or_init(|| self.new_cell(principal, method, &self.rules.all));
        cell.as_ref().map(|cell| (method, cell))
    }

    /// A cell with these of the rules.
    pub(crate) fn new_cell<'a>(
        &self,
        principal: Principal<'_>,
        method: &Method,
        rules: impl IntoIterator<Item = &'a Known>,
    ) -> Option<Cell> {
        let nothing = match (self.principals.get(principal.name), principal.kind) {
            (Some(_), Kind::Key) => format!("scopes:{}", principal.name).into(),
            _ => Arc::from(NOTHING_PERMITS),
        };
        Cell::new(
            &self.names,
            (principal.name, principal.kind),
            method,
            rules,
            &self.rules,
            nothing,
        )
    }

    /// The decision, and the rules that match for each thing that the call works on.
    pub(crate) fn decide_call(
        &self,
        cell: &Cell,
        method: &Method,
        question: &Question<'_>,
    ) -> (Decision, Vec<(Resource, Option<Matched>)>) {
        let (resources, context) = match self.call(cell, method, question) {
            Ok(read) => read,
            Err(argument) => {
                let name = argument.map(|argument| format!("{ARGUMENTS}:{argument}"));
                return (Decision::deny(name.unwrap_or_else(|| ARGUMENTS.to_owned())), Vec::new());
            }
        };
        let still = cell.still(&self.rules, still(question), (&self.names, method));
        let mut strictest: Option<Decision> = None;
        let mut each = Vec::with_capacity(resources.len());
        for resource in resources {
            let matched = still
                .as_ref()
                .and_then(|still| cell.matched(&self.rules, still, &resource, &context));
            let decision = cell.judge(&self.rules, matched.as_ref());
            each.push((resource, matched));
            if strictest.as_ref().is_none_or(|before| decision.answer > before.answer) {
                strictest = Some(decision);
            }
        }
        (strictest.unwrap_or_else(|| Decision::deny(NOTHING_PERMITS)), each)
    }

    /// What the call works on, and its context. Where no policy looks, arguments are not read.
    fn call(
        &self,
        cell: &Cell,
        method: &Method,
        question: &Question<'_>,
    ) -> Result<(Vec<Resource>, Context), Option<String>> {
        let facts = Facts { moment: question.moment, still: still(question) };
        if !cell.needs_arguments() {
            let context = context::of_call(facts, None, cell.looks)?;
            return Ok((vec![method.itself(&self.names)], context));
        }
        let arguments = method::arguments(question.arguments).ok_or(None)?;
        let resources = method.resources(&self.names, &arguments).map_err(Some)?;
        let context = context::of_call(facts, Some((method, &arguments)), cell.looks)?;
        Ok((resources, context))
    }
}

/// The tools by their names, each once.
fn tools(inputs: &Inputs) -> Vec<&Tool> {
    let tools: BTreeMap<&str, &Tool> =
        inputs.tools.iter().map(|tool| (tool.method.as_str(), tool)).collect();
    tools.into_values().collect()
}

/// The owner's policies, and what is found of them.
fn checked(
    inputs: &Inputs,
    tools: &[&Tool],
    schema: &str,
) -> Result<(Vec<Owned>, Checked), PolicyError> {
    let (owned, mut refused) = owner::policies(&inputs.files);
    let missing = Missing::of(&owned, &inputs.files, tools, &inputs.clients);
    let mut found = check::against(schema, &owned, &inputs.files, &missing)?;
    refused.append(&mut found.refused);
    Ok((owned, Checked { refused, ..found }))
}

/// What the question has in common with others of its conversation.
pub(crate) fn still(question: &Question<'_>) -> Still {
    Still { untrusted: question.untrusted, origin: question.origin }
}

/// Everybody whom a policy or the list of clients names.
fn principals(inputs: &Inputs, rules: &[Known]) -> HashMap<String, usize> {
    let clients = inputs.clients.iter().map(|client| client.name.clone());
    let literals = rules.iter().flat_map(|known| known.policy.entity_literals());
    let named = literals
        .filter(|uid| uid.type_name().basename() == "Client")
        .map(|uid| uid.id().unescaped().to_owned());
    let mut all: Vec<String> = clients.chain(named).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter().enumerate().map(|(at, name)| (name, at)).collect()
}

impl Decision {
    /// Whether the call may go on without a question.
    pub fn allows(&self) -> bool {
        self.answer == Answer::Allow
    }

    /// What denied is no rule, but arguments that a rule looks at and that are not what the method takes: this one, or with
    /// `Some(None)` all of them, which are no object or say something twice.
    pub fn wrong_argument(&self) -> Option<Option<&str>> {
        if self.answer != Answer::Deny {
            return None;
        }
        match self.rule.strip_prefix(ARGUMENTS)? {
            "" => Some(None),
            more => more.strip_prefix(':').map(Some),
        }
    }
}
