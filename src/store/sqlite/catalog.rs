//! Roles, resources, actions, permissions and the links between them in SQLite.

use rusqlite::types::Value;
use rusqlite::{Row, named_params, params_from_iter};

use super::SqliteTx;
use super::list::{Filter, order};
use crate::domain::catalog::{CodeName, Kind, Named, NamedPatch, NewNamed, Permission};
use crate::domain::error::Result;
use crate::domain::ids::{ActionId, PermissionId, ResourceId, RoleId, UserId};
use crate::domain::pages::Listing;
use crate::domain::rights::{Right, action};
use crate::store::{Catalog, RolePermission};

const NAMED: &str = "id, name, code_name, description";
const NAMED_ORDER: &[(&str, &str)] = &[("name", "name"), ("code_name", "code_name")];

const PERMISSIONS: &str =
    "SELECT p.id AS id, p.resource_id, p.action_id, r.code_name AS resource, a.code_name AS action
     FROM permissions p JOIN resources r ON r.id = p.resource_id JOIN actions a ON a.id = p.action_id";
const PERMISSION_ORDER: &[(&str, &str)] = &[("resource", "resource"), ("action", "action")];

/// The table of a kind: its name stands in SQL, so it comes from here and nowhere else.
fn table(kind: Kind) -> &'static str {
    match kind {
        Kind::Role => "roles",
        Kind::Resource => "resources",
        Kind::Action => "actions",
    }
}

fn named(row: &Row) -> rusqlite::Result<Named> {
    Ok(Named {
        id: row.get("id")?,
        name: row.get("name")?,
        code_name: row.get("code_name")?,
        description: row.get("description")?,
    })
}

fn permission(row: &Row) -> rusqlite::Result<Permission> {
    Ok(Permission {
        id: PermissionId(row.get("id")?),
        resource_id: ResourceId(row.get("resource_id")?),
        action_id: ActionId(row.get("action_id")?),
        right: right(row)?,
    })
}

fn right(row: &Row) -> rusqlite::Result<Right> {
    Ok(Right::new(row.get::<_, String>("resource")?, row.get::<_, String>("action")?))
}

fn contains(listing: &Listing, columns: &[&str]) -> Filter {
    let mut filter = Filter::default();
    for word in &listing.search {
        if word.contains('\0') {
            // No stored text holds one, and LIKE would read no further.
            filter.and_never();
            continue;
        }
        filter.and_contains(columns, word);
    }
    filter
}

fn named_filter(listing: &Listing) -> Filter {
    contains(listing, &["name", "code_name", "description"])
}

fn permission_filter(listing: &Listing) -> Filter {
    contains(listing, &["r.code_name", "a.code_name", "r.code_name || ':' || a.code_name"])
}

impl Catalog for SqliteTx<'_> {
    fn named(&self, kind: Kind, id: i64) -> Result<Option<Named>> {
        self.one(&format!("SELECT {NAMED} FROM {} WHERE id = ?", table(kind)), [id], named)
    }

    fn named_by_code(&self, kind: Kind, code_name: &str) -> Result<Option<Named>> {
        self.one(&format!("SELECT {NAMED} FROM {} WHERE code_name = ?", table(kind)), [code_name], named)
    }

    fn named_by_name(&self, kind: Kind, name: &str) -> Result<Option<Named>> {
        self.one(&format!("SELECT {NAMED} FROM {} WHERE name = ?", table(kind)), [name], named)
    }

    fn count_named(&self, kind: Kind, listing: &Listing) -> Result<u64> {
        let filter = named_filter(listing);
        let sql = format!("SELECT COUNT(*) FROM {} {}", table(kind), filter.clause());
        self.count(&sql, params_from_iter(&filter.values))
    }

    fn list_named(&self, kind: Kind, listing: &Listing) -> Result<Vec<Named>> {
        let filter = named_filter(listing);
        let order = order(listing, NAMED_ORDER);
        let sql = format!("SELECT {NAMED} FROM {} {} {order} LIMIT ? OFFSET ?", table(kind), filter.clause());
        self.all(&sql, params_from_iter(filter.window(listing)), named)
    }

    fn code_names(&self, kind: Kind) -> Result<Vec<String>> {
        self.all(&format!("SELECT code_name FROM {} ORDER BY id", table(kind)), [], |row| row.get(0))
    }

    fn insert_named(&self, kind: Kind, new: &NewNamed) -> Result<i64> {
        self.insert(
            &format!("INSERT INTO {} (name, code_name, description) VALUES (?, ?, ?)", table(kind)),
            (&new.name, new.code_name.as_str(), &new.description),
        )
    }

    fn update_named(&self, kind: Kind, id: i64, patch: &NamedPatch) -> Result<bool> {
        let hit = self.change(
            &format!(
                "UPDATE {} SET name = COALESCE(:name, name), code_name = COALESCE(:code_name, code_name),
                        description = CASE WHEN :describe THEN :description ELSE description END
                 WHERE id = :id",
                table(kind)
            ),
            named_params! {
                ":id": id,
                ":name": patch.name,
                ":code_name": patch.code_name.as_ref().map(CodeName::as_str),
                ":describe": patch.description.is_some(),
                ":description": patch.description.clone().flatten(),
            },
        )?;
        Ok(hit == 1)
    }

    fn delete_named(&self, kind: Kind, id: i64) -> Result<bool> {
        Ok(self.change(&format!("DELETE FROM {} WHERE id = ?", table(kind)), [id])? == 1)
    }

    fn permission(&self, id: PermissionId) -> Result<Option<Permission>> {
        self.one(&format!("{PERMISSIONS} WHERE p.id = ?"), [id.0], permission)
    }

    fn permission_of(&self, resource: ResourceId, action: ActionId) -> Result<Option<Permission>> {
        let sql = format!("{PERMISSIONS} WHERE p.resource_id = ? AND p.action_id = ?");
        self.one(&sql, [resource.0, action.0], permission)
    }

    fn permission_by_right(&self, right: &Right) -> Result<Option<Permission>> {
        let sql = format!("{PERMISSIONS} WHERE r.code_name = ? AND a.code_name = ?");
        self.one(&sql, [&right.resource, &right.action], permission)
    }

    fn count_permissions(&self, listing: &Listing) -> Result<u64> {
        let filter = permission_filter(listing);
        let sql = format!("SELECT COUNT(*) FROM ({PERMISSIONS} {})", filter.clause());
        self.count(&sql, params_from_iter(&filter.values))
    }

    fn list_permissions(&self, listing: &Listing) -> Result<Vec<Permission>> {
        let filter = permission_filter(listing);
        let order = order(listing, PERMISSION_ORDER);
        let sql = format!("SELECT * FROM ({PERMISSIONS} {}) {order} LIMIT ? OFFSET ?", filter.clause());
        self.all(&sql, params_from_iter(filter.window(listing)), permission)
    }

    fn insert_permission(&self, resource: ResourceId, action: ActionId) -> Result<PermissionId> {
        let sql = "INSERT INTO permissions (resource_id, action_id) VALUES (?, ?)";
        Ok(PermissionId(self.insert(sql, [resource.0, action.0])?))
    }

    fn update_permission(&self, id: PermissionId, resource: ResourceId, action: ActionId) -> Result<bool> {
        let sql = "UPDATE permissions SET resource_id = ?2, action_id = ?3 WHERE id = ?1";
        Ok(self.change(sql, [id.0, resource.0, action.0])? == 1)
    }

    fn delete_permission(&self, id: PermissionId) -> Result<bool> {
        Ok(self.change("DELETE FROM permissions WHERE id = ?", [id.0])? == 1)
    }

    fn permissions_of_role(&self, role: RoleId) -> Result<Vec<Permission>> {
        let sql = format!(
            "{PERMISSIONS} JOIN role_permissions rp ON rp.permission_id = p.id WHERE rp.role_id = ? ORDER BY p.id"
        );
        self.all(&sql, [role.0], permission)
    }

    fn allow(&self, role: RoleId, permission: PermissionId) -> Result<bool> {
        let sql = "INSERT OR IGNORE INTO role_permissions (role_id, permission_id) VALUES (?, ?)";
        Ok(self.change(sql, [role.0, permission.0])? == 1)
    }

    fn deny(&self, role: RoleId, permission: PermissionId) -> Result<bool> {
        let sql = "DELETE FROM role_permissions WHERE role_id = ? AND permission_id = ?";
        Ok(self.change(sql, [role.0, permission.0])? == 1)
    }

    fn roles_of_user(&self, user: UserId) -> Result<Vec<Named>> {
        self.all(
            "SELECT r.id, r.name, r.code_name, r.description
             FROM user_roles ur JOIN roles r ON r.id = ur.role_id WHERE ur.user_id = ? ORDER BY r.id",
            [user.0],
            named,
        )
    }

    fn roles_of_users(&self, users: &[UserId]) -> Result<Vec<(UserId, RoleId)>> {
        let link = |row: &Row| Ok((UserId(row.get(0)?), RoleId(row.get(1)?)));
        if let [user] = users {
            let sql = "SELECT user_id, role_id FROM user_roles WHERE user_id = ? ORDER BY role_id";
            return self.all(sql, [user.0], link);
        }
        let marks = vec!["?"; users.len()].join(", ");
        let sql =
            format!("SELECT user_id, role_id FROM user_roles WHERE user_id IN ({marks}) ORDER BY user_id, role_id");
        let values = params_from_iter(users.iter().map(|id| Value::from(id.0)));
        // Prepared anew: the number of question marks differs from page to page.
        Ok(self.connection()?.run(|raw| raw.prepare(&sql)?.query_map(values, link)?.collect())?)
    }

    fn count_members(&self, role: RoleId) -> Result<u64> {
        self.count("SELECT COUNT(*) FROM user_roles WHERE role_id = ?", [role.0])
    }

    fn grant(&self, user: UserId, role: RoleId) -> Result<bool> {
        let sql = "INSERT OR IGNORE INTO user_roles (user_id, role_id) VALUES (?, ?)";
        Ok(self.change(sql, [user.0, role.0])? == 1)
    }

    fn revoke(&self, user: UserId, role: RoleId) -> Result<bool> {
        Ok(self.change("DELETE FROM user_roles WHERE user_id = ? AND role_id = ?", [user.0, role.0])? == 1)
    }

    fn rights_of_user(&self, user: UserId) -> Result<Vec<Right>> {
        self.all(
            "SELECT DISTINCT r.code_name AS resource, a.code_name AS action
             FROM user_roles ur
             JOIN role_permissions rp ON rp.role_id = ur.role_id
             JOIN permissions p ON p.id = rp.permission_id
             JOIN resources r ON r.id = p.resource_id
             JOIN actions a ON a.id = p.action_id
             WHERE ur.user_id = ?",
            [user.0],
            right,
        )
    }

    fn role_permissions_of_user(&self, user: UserId, resource: &str) -> Result<Vec<RolePermission>> {
        self.all(
            "SELECT ro.id, ro.name, ro.code_name, ro.description, r.code_name AS resource, a.code_name AS action
             FROM user_roles ur
             JOIN roles ro ON ro.id = ur.role_id
             JOIN role_permissions rp ON rp.role_id = ur.role_id
             JOIN permissions p ON p.id = rp.permission_id
             JOIN resources r ON r.id = p.resource_id
             JOIN actions a ON a.id = p.action_id
             WHERE ur.user_id = ? AND r.code_name = ? ORDER BY ro.id, a.id",
            (user.0, resource),
            |row| Ok(RolePermission { role: named(row)?, right: right(row)? }),
        )
    }

    fn roles_allowing(&self, right: &Right) -> Result<Vec<Named>> {
        self.all(
            "SELECT DISTINCT ro.id, ro.name, ro.code_name, ro.description
             FROM roles ro
             JOIN role_permissions rp ON rp.role_id = ro.id
             JOIN permissions p ON p.id = rp.permission_id
             JOIN resources r ON r.id = p.resource_id
             JOIN actions a ON a.id = p.action_id
             WHERE r.code_name = ? AND a.code_name IN (?, ?) ORDER BY ro.id",
            [right.resource.as_ref(), right.action.as_ref(), action::ALL],
            named,
        )
    }
}
