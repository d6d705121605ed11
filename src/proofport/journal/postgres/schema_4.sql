-- Version 4: the pages of a source may come in several parts of a snapshot. Each part keeps what its pages say.

ALTER TABLE parts RENAME COLUMN incomplete TO pages;    -- JSON
UPDATE parts SET pages = json_build_object(
    'source', 'part ' || name, 'last', name, 'records', records, 'more', pages
)::text WHERE pages IS NOT NULL;
