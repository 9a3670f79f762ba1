//! An update of one item.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{self, AttributeValue, ReturnValue, TransactWriteItem};

use super::condition::{Condition, Placeholders};
use super::{Item, Table, TableError, build_error, key};

/// An update, built up change by change: `table.update(pk, sk).set("a", v).add("b", n).send()`. An item
/// that is not there is made, unless a condition says otherwise. An attribute inside another is named by
/// its path: `handoff.ended`.
#[derive(Debug)]
#[must_use = "an update does nothing until it is sent"]
pub struct Update<'a> {
    table: &'a Table,
    pk: String,
    sk: String,
    set: Vec<String>,
    remove: Vec<String>,
    add: Vec<String>,
    delete: Vec<String>,
    condition: Option<Condition>,
    placeholders: Placeholders,
}

impl Table {
    /// An update of one item, to be built up and sent.
    pub fn update(&self, pk: impl Into<String>, sk: impl Into<String>) -> Update<'_> {
        Update {
            table: self,
            pk: pk.into(),
            sk: sk.into(),
            set: Vec::new(),
            remove: Vec::new(),
            add: Vec::new(),
            delete: Vec::new(),
            condition: None,
            placeholders: Placeholders::default(),
        }
    }
}

impl Update<'_> {
    /// Gives an attribute this value.
    pub fn set(mut self, path: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.placeholders.name(path), self.placeholders.value(value));
        self.set.push(format!("{name} = {value}"));
        self
    }

    /// Gives an attribute this value unless it has one.
    pub fn set_if_absent(mut self, path: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.placeholders.name(path), self.placeholders.value(value));
        self.set
            .push(format!("{name} = if_not_exists({name}, {value})"));
        self
    }

    /// Takes an attribute away.
    pub fn remove(mut self, path: &str) -> Self {
        let name = self.placeholders.name(path);
        self.remove.push(name);
        self
    }

    /// Adds to a number, which is 0 where it is not there, or to a set, which is then empty.
    pub fn add(mut self, path: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.placeholders.name(path), self.placeholders.value(value));
        self.add.push(format!("{name} {value}"));
        self
    }

    /// Takes elements out of a set.
    pub fn delete(mut self, path: &str, elements: AttributeValue) -> Self {
        let name = self.placeholders.name(path);
        let elements = self.placeholders.value(elements);
        self.delete.push(format!("{name} {elements}"));
        self
    }

    /// Makes it depend on a condition; on all of them, where there are several.
    pub fn condition(mut self, condition: Condition) -> Self {
        self.condition = Some(match self.condition {
            Some(before) => before.and(condition),
            None => condition,
        });
        self
    }

    /// Carries it out. A condition that does not hold is an error.
    pub async fn send(self) -> Result<(), TableError> {
        self.returning(ReturnValue::None).await.map(drop)
    }

    /// Carries it out; returns whether its condition held.
    pub async fn send_if(self) -> Result<bool, TableError> {
        Ok(self.returning_if(ReturnValue::None).await?.is_some())
    }

    /// Carries it out; returns the attributes that are asked for. A condition that does not hold is an
    /// error.
    pub async fn returning(self, values: ReturnValue) -> Result<Item, TableError> {
        self.table.refuse_forgotten(&self.pk, &self.sk).await?;
        self.call(values).await.map_err(TableError::from_sdk)
    }

    /// Carries it out; returns the attributes that are asked for, `None` where its condition does not
    /// hold.
    pub async fn returning_if(self, values: ReturnValue) -> Result<Option<Item>, TableError> {
        self.table.refuse_forgotten(&self.pk, &self.sk).await?;
        match self.call(values).await {
            Ok(item) => Ok(Some(item)),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(TableError::from_sdk(error)),
            },
        }
    }

    /// It, as a part of a transaction.
    pub fn in_transaction(mut self) -> Result<TransactWriteItem, TableError> {
        let condition = self.take_condition();
        let update = types::Update::builder()
            .table_name(&self.table.name)
            .set_key(Some(key(&self.pk, &self.sk)))
            .update_expression(self.expression())
            .set_condition_expression(condition)
            .set_expression_attribute_names(self.placeholders.names())
            .set_expression_attribute_values(self.placeholders.values());
        let update = update.build().map_err(|error| build_error(&error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    async fn call(
        mut self,
        values: ReturnValue,
    ) -> Result<Item, SdkError<UpdateItemError, HttpResponse>> {
        let condition = self.take_condition();
        let output = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .set_key(Some(key(&self.pk, &self.sk)))
            .update_expression(self.expression())
            .set_condition_expression(condition)
            .set_expression_attribute_names(self.placeholders.names())
            .set_expression_attribute_values(self.placeholders.values())
            .return_values(values)
            .send()
            .await?;
        Ok(output.attributes.unwrap_or_default())
    }

    fn take_condition(&mut self) -> Option<String> {
        let condition = self.condition.take()?;
        Some(condition.expression(&mut self.placeholders))
    }

    fn expression(&self) -> String {
        let clauses = [
            ("SET", &self.set),
            ("REMOVE", &self.remove),
            ("ADD", &self.add),
            ("DELETE", &self.delete),
        ];
        let clauses = clauses.iter().filter(|(_, changes)| !changes.is_empty());
        let clauses = clauses.map(|(verb, changes)| format!("{verb} {}", changes.join(", ")));
        clauses.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::BehaviorVersion;

    use super::super::{absent, number, present, text};
    use super::*;

    #[test]
    fn an_update_has_one_clause_of_each_kind_and_all_its_conditions() {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .build();
        let table = Table::new(aws_sdk_dynamodb::Client::from_conf(config), "t");
        let mut update = table
            .update("p", "s")
            .set("state", text("dead"))
            .add("attempts", number(1))
            .remove("pending")
            .set_if_absent("since", number(7))
            .delete("marks", AttributeValue::Ss(vec!["m".to_owned()]))
            .condition(present("pk"))
            .condition(absent("handoff.ended"));
        assert_eq!(
            update.expression(),
            "SET #state = :v0, #since = if_not_exists(#since, :v2) REMOVE #pending \
             ADD #attempts :v1 DELETE #marks :v3"
        );
        assert_eq!(
            update.take_condition().as_deref(),
            Some("(attribute_exists(#pk)) AND (attribute_not_exists(#handoff.#ended))")
        );
    }
}
