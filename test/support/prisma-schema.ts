// As much of Prisma's schema language as prisma/schema.prisma uses, read independently of Prisma: what tables the models
// declare, in SQLite's types.

export interface ModelDeclaration {
  readonly name: string;
  /** `name TYPE` and ` NOT NULL` where it is not optional. */
  readonly columns: readonly string[];
  readonly primaryKey: readonly string[];
  /** `column>referenced,… Table RULE` */
  readonly foreignKeys: readonly string[];
  readonly indexes: readonly string[];
}

const sqliteTypes: Readonly<Record<string, string>> = {
  String: 'TEXT',
  Int: 'INTEGER',
  BigInt: 'BIGINT',
  Float: 'REAL',
  Boolean: 'BOOLEAN',
  DateTime: 'DATETIME',
};

export function parsePrismaSchema(text: string): ModelDeclaration[] {
  return [...text.matchAll(/^model (\w+) \{\n(.*?)^\}/gmsu)].map(([, name = '', body = '']) => {
    const lines = body.split('\n').map((line) => line.trim());
    const fields = lines.flatMap((line) => {
      const [, field = '', type = '', optional = '', rest = ''] = /^(\w+)\s+(\w+)(\??)\s*(.*)$/u.exec(line) ?? [];
      return field === '' ? [] : [{ field, type, optional: optional === '?', rest }];
    });
    return {
      name,
      columns: fields.flatMap(({ field, type, optional }) => {
        const sqlite = sqliteTypes[type];
        return sqlite === undefined ? [] : [`${field} ${sqlite}${optional ? '' : ' NOT NULL'}`];
      }),
      primaryKey: [
        ...fields.filter(({ rest }) => rest.includes('@id')).map(({ field }) => field),
        ...lines.flatMap((line) => listAfter(line, '@@id(')),
      ],
      foreignKeys: fields.flatMap(({ type, rest }) => foreignKey(type, rest)).sort(),
      indexes: lines
        .flatMap((line) => (line.startsWith('@@index(') ? [listAfter(line, '@@index(').join(',')] : []))
        .sort(),
    };
  });
}

function foreignKey(table: string, attributes: string): string[] {
  const from = listAfter(attributes, 'fields: ');
  const to = listAfter(attributes, 'references: ');
  if (from.length === 0) return [];
  const rule = /onDelete: (\w+)/u.exec(attributes)?.[1]?.toUpperCase() ?? '';
  return [`${from.map((column, i) => `${column}>${to[i] ?? ''}`).join(',')} ${table} ${rule}`];
}

function listAfter(text: string, opening: string): string[] {
  const start = text.indexOf(`${opening}[`);
  if (start < 0) return [];
  return text.slice(start + opening.length + 1, text.indexOf(']', start)).split(', ');
}
