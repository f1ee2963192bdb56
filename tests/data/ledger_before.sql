BEGIN TRANSACTION;
CREATE TABLE applied_plans (
                scope integer not null references scopes (id),
                plan_id text not null,                     -- the run that made it
                at text not null,                          -- when it was last begun
                run_ids text not null,                     -- JSON array: the runs that began it, the first first
                finished integer not null default 0 check (finished in (0, 1)),
                primary key (scope, plan_id)
            ) without rowid
            ;
CREATE TABLE attempts (
                number integer primary key,                -- in the order in which they were written
                scope integer not null references scopes (id),
                id text not null,                          -- also the request's Idempotency-Key
                run_id text not null,
                at text not null,                          -- of its outcome; if none was written: of the last send
                sends integer not null,                    -- 0: read back, or refused without being sent
                status integer,                            -- HTTP, of the last answer; null: none came
                request_id text,                           -- the server's, of the last answer that bore one
                rows text not null                         -- JSON array of [key, outcome, remote_id, message]
            );
INSERT INTO "attempts" VALUES(1,1,'20261120T080000Z-2265b1f5.101.1','20261120T080000Z-2265b1f5','2026-11-20T08:00:00.080040Z',1,201,NULL,'[["a","created","dim_1001"],["b","created","dim_1002"],["c","created","dim_1003"]]');
INSERT INTO "attempts" VALUES(2,2,'20261120T080000Z-2265b1f5.102.1','20261120T080000Z-2265b1f5','2026-11-20T08:00:00.080040Z',1,201,NULL,'[["a","created","dim_1004"],["b","created","dim_1005"],["c","created","dim_1006"]]');
INSERT INTO "attempts" VALUES(3,3,'20261120T080000Z-2265b1f5.103.1','20261120T080000Z-2265b1f5','2026-11-20T08:00:00.080040Z',1,201,NULL,'[["a","created","dim_1007"],["b","created","dim_1008"],["c","created","dim_1009"]]');
INSERT INTO "attempts" VALUES(4,4,'20261120T080000Z-2265b1f5.104.1','20261120T080000Z-2265b1f5','2026-11-20T08:00:00.080041Z',1,201,NULL,'[["a","created","dim_1010"],["b","created","dim_1011"],["c","created","dim_1012"]]');
INSERT INTO "attempts" VALUES(5,5,'20261120T080000Z-2265b1f5.105.1','20261120T080000Z-2265b1f5','2026-11-20T08:00:00.080042Z',1,207,NULL,'[["bad","rejected",null,"refused (validation_error)"],["a","created","dim_1013"],["b","created","dim_1014"],["c","created","dim_1015"]]');
INSERT INTO "attempts" VALUES(6,6,'20261120T080000Z-2265b1f5.106.1','20261120T080000Z-2265b1f5','2026-11-20T08:00:00.080043Z',1,201,NULL,'[["b","created","dim_1016"],["c","created","dim_1017"]]');
INSERT INTO "attempts" VALUES(7,7,'20261120T080000Z-2265b1f5.107.1','20261120T080000Z-2265b1f5','2026-11-20T08:00:00.080044Z',1,201,NULL,'[["a","created","dim_1018"],["b","created","dim_1019"],["c","created","dim_1020"]]');
INSERT INTO "attempts" VALUES(8,3,'20261120T110000Z-2265b1f5.103.1','20261120T110000Z-2265b1f5','2026-11-20T11:00:00.220198Z',1,201,NULL,'[["d","created","dim_1021"],["b","updated","dim_1008"]]');
INSERT INTO "attempts" VALUES(9,6,'20261120T130000Z-2265b1f5.106.1','20261120T130000Z-2265b1f5','2026-11-20T13:00:00.320295Z',1,201,NULL,'[["c","updated","dim_1017"]]');
INSERT INTO "attempts" VALUES(10,8,'20261120T160000Z-2265b1f5.201.1','20261120T160000Z-2265b1f5','2026-11-20T16:00:00.480449Z',1,201,NULL,'[["a","created","dim_2001"],["b","created","dim_2002"],["c","created","dim_2003"]]');
INSERT INTO "attempts" VALUES(11,9,'20261120T160000Z-2265b1f5.202.1','20261120T160000Z-2265b1f5','2026-11-20T16:00:00.480449Z',1,201,NULL,'[["a","created","dim_2004"],["b","created","dim_2005"],["c","created","dim_2006"]]');
INSERT INTO "attempts" VALUES(12,10,'20261120T160000Z-2265b1f5.203.1','20261120T160000Z-2265b1f5','2026-11-20T16:00:00.480449Z',1,201,NULL,'[["a","created","dim_2007"],["b","created","dim_2008"],["c","created","dim_2009"]]');
INSERT INTO "attempts" VALUES(13,11,'20261120T160000Z-2265b1f5.204.1','20261120T160000Z-2265b1f5','2026-11-20T16:00:00.480450Z',1,201,NULL,'[["a","created","dim_2010"],["b","created","dim_2011"],["c","created","dim_2012"]]');
INSERT INTO "attempts" VALUES(14,12,'20261120T160000Z-2265b1f5.205.1','20261120T160000Z-2265b1f5','2026-11-20T16:00:00.480451Z',1,201,NULL,'[["bad","rejected",null,"refused (validation_error)"],["a","created","dim_2013"],["b","created","dim_2014"],["c","created","dim_2015"]]');
INSERT INTO "attempts" VALUES(15,13,'20261120T160000Z-2265b1f5.206.1','20261120T160000Z-2265b1f5','2026-11-20T16:00:00.480452Z',1,201,NULL,'[["b","created","dim_2016"],["c","created","dim_2017"]]');
INSERT INTO "attempts" VALUES(16,14,'20261120T160000Z-2265b1f5.207.1','20261120T160000Z-2265b1f5','2026-11-20T16:00:00.480453Z',1,201,NULL,'[["a","created","dim_2018"],["b","created","dim_2019"],["c","created","dim_2020"]]');
INSERT INTO "attempts" VALUES(17,10,'20261120T190000Z-2265b1f5.203.1','20261120T190000Z-2265b1f5','2026-11-20T19:00:00.620607Z',1,201,NULL,'[["d","created","dim_2021"],["b","updated","dim_2008"]]');
INSERT INTO "attempts" VALUES(18,13,'20261120T210000Z-2265b1f5.206.1','20261120T210000Z-2265b1f5','2026-11-20T21:00:00.720704Z',1,201,NULL,'[["c","updated","dim_2017"]]');
CREATE TABLE directories (
                id integer primary key,
                origin text not null,
                account text not null,
                at text not null,                          -- its companies
                locations_at text,                         -- null: never
                accounts_at text,                          -- null: never
                unique (origin, account)
            );
INSERT INTO "directories" VALUES(1,'http://world.test:80/v1','racc_1','2026-11-20T16:00:00.400426Z',NULL,NULL);
CREATE TABLE directory_accounts (
                directory integer not null references directories (id),
                position integer not null,
                id text not null,                          -- racc_...
                name text not null,
                companies integer,                         -- how many; null: not said
                locations integer,
                primary key (directory, position)
            ) without rowid
            ;
CREATE TABLE directory_companies (
                directory integer not null references directories (id),
                position integer not null,
                id integer not null,                       -- ottimate_company_id
                name text not null,
                locations integer,                         -- how many; null: not said
                plan text,
                primary key (directory, position)
            ) without rowid
            ;
INSERT INTO "directory_companies" VALUES(1,0,201,'Company 201',NULL,NULL);
INSERT INTO "directory_companies" VALUES(1,1,202,'Company 202',NULL,NULL);
INSERT INTO "directory_companies" VALUES(1,2,203,'Company 203',NULL,NULL);
INSERT INTO "directory_companies" VALUES(1,3,204,'Company 204',NULL,NULL);
INSERT INTO "directory_companies" VALUES(1,4,205,'Company 205',NULL,NULL);
INSERT INTO "directory_companies" VALUES(1,5,206,'Company 206',NULL,NULL);
INSERT INTO "directory_companies" VALUES(1,6,207,'Company 207',NULL,NULL);
CREATE TABLE directory_locations (
                directory integer not null references directories (id),
                position integer not null,
                id integer not null,
                name text not null,
                company text not null,                     -- its name: the API gives no id
                location_group text,
                primary key (directory, position)
            ) without rowid
            ;
CREATE TABLE intents (
                scope integer not null references scopes (id),
                id text not null,                          -- also the request's Idempotency-Key
                run_id text not null,
                at text not null,
                keys text not null,                        -- JSON array
                primary key (scope, id)
            ) without rowid
            ;
INSERT INTO "intents" VALUES(4,'20261120T120000Z-2265b1f5.104.1','20261120T120000Z-2265b1f5','2026-11-20T12:00:00.220240Z','["c"]');
INSERT INTO "intents" VALUES(11,'20261120T200000Z-2265b1f5.204.1','20261120T200000Z-2265b1f5','2026-11-20T20:00:00.620649Z','["c"]');
CREATE TABLE last_states (
                origin text not null,
                account text not null,                     -- the name that the settings give it
                company_id integer not null,
                state text not null,
                run_id text not null references runs (id),
                primary key (origin, account, company_id)
            ) without rowid
            ;
INSERT INTO "last_states" VALUES('http://world.test:80/v1','main',101,'unchanged','20261120T090000Z-2265b1f5');
INSERT INTO "last_states" VALUES('http://world.test:80/v1','main',102,'unchanged','20261120T090000Z-2265b1f5');
INSERT INTO "last_states" VALUES('http://world.test:80/v1','main',103,'synced','20261120T110000Z-2265b1f5');
INSERT INTO "last_states" VALUES('http://world.test:80/v1','main',104,'unchanged','20261120T090000Z-2265b1f5');
INSERT INTO "last_states" VALUES('http://world.test:80/v1','main',105,'partial','20261120T080000Z-2265b1f5');
INSERT INTO "last_states" VALUES('http://world.test:80/v1','main',106,'unchanged','20261120T140000Z-2265b1f5');
INSERT INTO "last_states" VALUES('http://world.test:80/v1','main',107,'unchanged','20261120T090000Z-2265b1f5');
INSERT INTO "last_states" VALUES('http://world.test:80/v1','main',201,'unchanged','20261120T170000Z-2265b1f5');
INSERT INTO "last_states" VALUES('http://world.test:80/v1','main',202,'unchanged','20261120T170000Z-2265b1f5');
INSERT INTO "last_states" VALUES('http://world.test:80/v1','main',203,'synced','20261120T190000Z-2265b1f5');
INSERT INTO "last_states" VALUES('http://world.test:80/v1','main',204,'unchanged','20261120T170000Z-2265b1f5');
INSERT INTO "last_states" VALUES('http://world.test:80/v1','main',205,'partial','20261120T160000Z-2265b1f5');
INSERT INTO "last_states" VALUES('http://world.test:80/v1','main',206,'unchanged','20261120T220000Z-2265b1f5');
INSERT INTO "last_states" VALUES('http://world.test:80/v1','main',207,'unchanged','20261120T170000Z-2265b1f5');
CREATE TABLE migrations (
                number integer primary key,
                name text not null,
                applied_at text not null
            );
INSERT INTO "migrations" VALUES(1,'rows, intents, runs','2026-11-30T08:02:08.117307Z');
INSERT INTO "migrations" VALUES(2,'directories, pauses, last states','2026-11-30T08:02:08.117771Z');
INSERT INTO "migrations" VALUES(3,'guards','2026-11-30T08:02:08.118168Z');
INSERT INTO "migrations" VALUES(4,'evidence','2026-11-30T08:02:08.118752Z');
INSERT INTO "migrations" VALUES(5,'quotas','2026-11-30T08:02:08.118829Z');
INSERT INTO "migrations" VALUES(6,'lean rows, nothing to do','2026-11-30T08:02:08.119806Z');
CREATE TABLE page_sizes (
                origin text not null,
                account text not null,
                rows integer not null,
                primary key (origin, account)
            ) without rowid
            ;
CREATE TABLE pauses (
                origin text not null,
                account text not null,
                at text not null,
                until text not null,
                reason text not null,
                primary key (origin, account)
            ) without rowid
            ;
CREATE TABLE quotas (
                origin text not null,
                account text not null,
                day text not null,                         -- UTC: 2026-11-21
                used integer not null,                     -- counted in blocks, before they are sent
                used_up_at text,                           -- when the API last said that there are no more; null: never
                per_day integer,                           -- requests_per_day as set then
                reserve integer,                           -- reserve_per_day, likewise
                reason text,                               -- the API's words
                primary key (origin, account, day)
            ) without rowid
            ;
INSERT INTO "quotas" VALUES('http://world.test:80/v1','racc_1','2026-11-20',198,NULL,NULL,NULL,NULL);
CREATE TABLE rejections (
                scope integer not null references scopes (id),
                key text not null,
                fingerprint blob not null,
                at text not null,
                message text not null,
                primary key (scope, key)
            ) without rowid
            ;
INSERT INTO "rejections" VALUES(5,'bad',X'0D024E248689D91A07B0EC7061E0953A','2026-11-20T08:00:00.080042Z','refused (validation_error)');
INSERT INTO "rejections" VALUES(12,'bad',X'0D024E248689D91A07B0EC7061E0953A','2026-11-20T16:00:00.480451Z','refused (validation_error)');
CREATE TABLE reverts (
                scope integer not null references scopes (id),
                key text not null,
                at text not null,
                primary key (scope, key, at)
            ) without rowid
            ;
INSERT INTO "reverts" VALUES(6,'c','2026-11-20T13:00:00.300288Z');
INSERT INTO "reverts" VALUES(13,'c','2026-11-20T21:00:00.700697Z');
CREATE TABLE rows (
                scope integer not null,
                key text not null,
                type_code text not null,
                type_label text not null,
                name text not null,
                erp_id text not null,
                code text,
                code_known integer not null,
                remote_id text,
                confirmed integer not null,
                settled integer not null,
                seen text,                                 -- JSON (RemoteRow), where a listing showed other values
                acked_at text,                             -- when an answer last acknowledged it; null: never
                primary key (scope, key)
            ) without rowid
            ;
INSERT INTO "rows" VALUES(1,'a','account','GL Account','Name 1','01','C1',1,'dim_1001',1,1,NULL,'2026-11-20T08:00:00.080040Z');
INSERT INTO "rows" VALUES(1,'b','account','GL Account','Name 2','02','C2',1,'dim_1002',1,1,NULL,'2026-11-20T08:00:00.080040Z');
INSERT INTO "rows" VALUES(1,'c','account','GL Account','Name 3','03','C3',1,'dim_1003',1,1,NULL,'2026-11-20T08:00:00.080040Z');
INSERT INTO "rows" VALUES(2,'a','account','GL Account','Name 1','01','C1',1,'dim_1004',1,1,NULL,'2026-11-20T08:00:00.080040Z');
INSERT INTO "rows" VALUES(2,'b','account','GL Account','Name 2','02','C2',1,'dim_1005',1,1,'{"id":"dim_1005","type_code":"account","type_label":"GL Account","name":"By hand","erp_id":"02","code":null,"key":null}','2026-11-20T08:00:00.080040Z');
INSERT INTO "rows" VALUES(2,'c','account','GL Account','Name 3','03','C3',1,'dim_1006',1,1,NULL,'2026-11-20T08:00:00.080040Z');
INSERT INTO "rows" VALUES(3,'a','account','GL Account','Name 1','01','C1',1,'dim_1007',1,1,NULL,'2026-11-20T08:00:00.080040Z');
INSERT INTO "rows" VALUES(3,'b','account','GL Account','Name 2 new','02','C2',1,'dim_1008',1,1,NULL,'2026-11-20T11:00:00.220198Z');
INSERT INTO "rows" VALUES(3,'c','account','GL Account','Name 3','03','C3',1,'dim_1009',1,1,NULL,'2026-11-20T08:00:00.080040Z');
INSERT INTO "rows" VALUES(3,'d','account','GL Account','Name 4','04','C4',1,'dim_1021',1,1,NULL,'2026-11-20T11:00:00.220198Z');
INSERT INTO "rows" VALUES(4,'a','account','GL Account','Name 1','01','C1',1,'dim_1010',1,1,NULL,'2026-11-20T08:00:00.080041Z');
INSERT INTO "rows" VALUES(4,'b','account','GL Account','Name 2','02','C2',1,'dim_1011',1,1,NULL,'2026-11-20T08:00:00.080041Z');
INSERT INTO "rows" VALUES(4,'c','account','GL Account','Name 3','03','C3',1,'dim_1012',1,1,NULL,'2026-11-20T08:00:00.080041Z');
INSERT INTO "rows" VALUES(5,'a','account','GL Account','Name 1','01','C1',1,'dim_1013',1,1,NULL,'2026-11-20T08:00:00.080042Z');
INSERT INTO "rows" VALUES(5,'b','account','GL Account','Name 2','02','C2',1,'dim_1014',1,1,NULL,'2026-11-20T08:00:00.080042Z');
INSERT INTO "rows" VALUES(5,'c','account','GL Account','Name 3','03','C3',1,'dim_1015',1,1,NULL,'2026-11-20T08:00:00.080042Z');
INSERT INTO "rows" VALUES(6,'a','account','GL Account','Name 1','01',NULL,0,'s1001',0,1,NULL,NULL);
INSERT INTO "rows" VALUES(6,'b','account','GL Account','Name 2','02','C2',1,'dim_1016',1,1,NULL,'2026-11-20T08:00:00.080043Z');
INSERT INTO "rows" VALUES(6,'c','account','GL Account','Name 3','03','C3',1,'dim_1017',1,1,NULL,'2026-11-20T13:00:00.320295Z');
INSERT INTO "rows" VALUES(7,'a','account','GL Account','Name 1','01','C1',1,'dim_1018',1,1,'{"id":"dim_1018","type_code":"account","type_label":"GL Account","name":"By hand","erp_id":"01","code":null,"key":null}','2026-11-20T08:00:00.080044Z');
INSERT INTO "rows" VALUES(7,'b','account','GL Account','Name 2','02','C2',1,'dim_1019',1,1,NULL,'2026-11-20T08:00:00.080044Z');
INSERT INTO "rows" VALUES(7,'c','account','GL Account','Name 3','03','C3',1,'dim_1020',1,1,NULL,'2026-11-20T08:00:00.080044Z');
INSERT INTO "rows" VALUES(8,'a','account','GL Account','Name 1','01','C1',1,'dim_2001',1,1,NULL,'2026-11-20T16:00:00.480449Z');
INSERT INTO "rows" VALUES(8,'b','account','GL Account','Name 2','02','C2',1,'dim_2002',1,1,NULL,'2026-11-20T16:00:00.480449Z');
INSERT INTO "rows" VALUES(8,'c','account','GL Account','Name 3','03','C3',1,'dim_2003',1,1,NULL,'2026-11-20T16:00:00.480449Z');
INSERT INTO "rows" VALUES(9,'a','account','GL Account','Name 1','01','C1',1,'dim_2004',1,1,NULL,'2026-11-20T16:00:00.480449Z');
INSERT INTO "rows" VALUES(9,'b','account','GL Account','Name 2','02','C2',1,'dim_2005',1,1,'{"id":"dim_2005","type_code":"account","type_label":"GL Account","name":"By hand","erp_id":"02","code":"C2","key":"b"}','2026-11-20T16:00:00.480449Z');
INSERT INTO "rows" VALUES(9,'c','account','GL Account','Name 3','03','C3',1,'dim_2006',1,1,NULL,'2026-11-20T16:00:00.480449Z');
INSERT INTO "rows" VALUES(10,'a','account','GL Account','Name 1','01','C1',1,'dim_2007',1,1,NULL,'2026-11-20T16:00:00.480449Z');
INSERT INTO "rows" VALUES(10,'b','account','GL Account','Name 2 new','02','C2',1,'dim_2008',1,1,NULL,'2026-11-20T19:00:00.620607Z');
INSERT INTO "rows" VALUES(10,'c','account','GL Account','Name 3','03','C3',1,'dim_2009',1,1,NULL,'2026-11-20T16:00:00.480449Z');
INSERT INTO "rows" VALUES(10,'d','account','GL Account','Name 4','04','C4',1,'dim_2021',1,1,NULL,'2026-11-20T19:00:00.620607Z');
INSERT INTO "rows" VALUES(11,'a','account','GL Account','Name 1','01','C1',1,'dim_2010',1,1,NULL,'2026-11-20T16:00:00.480450Z');
INSERT INTO "rows" VALUES(11,'b','account','GL Account','Name 2','02','C2',1,'dim_2011',1,1,NULL,'2026-11-20T16:00:00.480450Z');
INSERT INTO "rows" VALUES(11,'c','account','GL Account','Name 3','03','C3',1,'dim_2012',1,1,NULL,'2026-11-20T16:00:00.480450Z');
INSERT INTO "rows" VALUES(12,'a','account','GL Account','Name 1','01','C1',1,'dim_2013',1,1,NULL,'2026-11-20T16:00:00.480451Z');
INSERT INTO "rows" VALUES(12,'b','account','GL Account','Name 2','02','C2',1,'dim_2014',1,1,NULL,'2026-11-20T16:00:00.480451Z');
INSERT INTO "rows" VALUES(12,'c','account','GL Account','Name 3','03','C3',1,'dim_2015',1,1,NULL,'2026-11-20T16:00:00.480451Z');
INSERT INTO "rows" VALUES(13,'a','account','GL Account','Name 1','01',NULL,0,'s2001',0,1,NULL,NULL);
INSERT INTO "rows" VALUES(13,'b','account','GL Account','Name 2','02','C2',1,'dim_2016',1,1,NULL,'2026-11-20T16:00:00.480452Z');
INSERT INTO "rows" VALUES(13,'c','account','GL Account','Name 3','03','C3',1,'dim_2017',1,1,NULL,'2026-11-20T21:00:00.720704Z');
INSERT INTO "rows" VALUES(14,'a','account','GL Account','Name 1','01','C1',1,'dim_2018',1,1,'{"id":"dim_2018","type_code":"account","type_label":"GL Account","name":"By hand","erp_id":"01","code":"C1","key":"a"}','2026-11-20T16:00:00.480453Z');
INSERT INTO "rows" VALUES(14,'b','account','GL Account','Name 2','02','C2',1,'dim_2019',1,1,NULL,'2026-11-20T16:00:00.480453Z');
INSERT INTO "rows" VALUES(14,'c','account','GL Account','Name 3','03','C3',1,'dim_2020',1,1,NULL,'2026-11-20T16:00:00.480453Z');
CREATE TABLE run_companies (
                run_id text not null references runs (id),
                account text not null,                     -- the name that the settings give it
                company_id integer not null,
                name text not null,
                state text not null,
                exit_code integer not null,
                evidence text,
                verified_at text,
                source_rows integer,
                unchanged integer,
                created integer,
                updated integer,
                rejected integer,
                held integer,
                deferred integer,
                uncertain integer,
                invalid integer,
                adopted integer,
                remote_rows integer,
                matched integer,
                contested integer,
                orphans integer,
                requests integer not null,
                primary key (run_id, account, company_id)
            ) without rowid
            ;
INSERT INTO "run_companies" VALUES('20261120T080000Z-2265b1f5','main',101,'Company 101','synced',0,'listing','2026-11-20T08:00:00.060033Z',3,0,3,0,0,0,0,0,0,0,0,0,0,0,2);
INSERT INTO "run_companies" VALUES('20261120T080000Z-2265b1f5','main',102,'Company 102','synced',0,'listing','2026-11-20T08:00:00.060033Z',3,0,3,0,0,0,0,0,0,0,0,0,0,0,2);
INSERT INTO "run_companies" VALUES('20261120T080000Z-2265b1f5','main',103,'Company 103','synced',0,'listing','2026-11-20T08:00:00.060034Z',3,0,3,0,0,0,0,0,0,0,0,0,0,0,2);
INSERT INTO "run_companies" VALUES('20261120T080000Z-2265b1f5','main',104,'Company 104','synced',0,'listing','2026-11-20T08:00:00.060035Z',3,0,3,0,0,0,0,0,0,0,0,0,0,0,2);
INSERT INTO "run_companies" VALUES('20261120T080000Z-2265b1f5','main',105,'Company 105','partial',3,'listing','2026-11-20T08:00:00.060036Z',4,0,3,0,1,0,0,0,0,0,0,0,0,0,2);
INSERT INTO "run_companies" VALUES('20261120T080000Z-2265b1f5','main',106,'Company 106','synced',0,'listing','2026-11-20T08:00:00.060037Z',3,1,2,0,0,0,0,0,0,1,2,1,0,1,2);
INSERT INTO "run_companies" VALUES('20261120T080000Z-2265b1f5','main',107,'Company 107','synced',0,'listing','2026-11-20T08:00:00.060038Z',3,0,3,0,0,0,0,0,0,0,0,0,0,0,2);
INSERT INTO "run_companies" VALUES('20261120T090000Z-2265b1f5','main',101,'Company 101','unchanged',0,'listing','2026-11-20T09:00:00.120093Z',3,3,0,0,0,0,0,0,0,0,3,3,0,0,1);
INSERT INTO "run_companies" VALUES('20261120T090000Z-2265b1f5','main',102,'Company 102','unchanged',0,'listing','2026-11-20T09:00:00.120093Z',3,3,0,0,0,0,0,0,0,0,3,3,0,0,1);
INSERT INTO "run_companies" VALUES('20261120T090000Z-2265b1f5','main',103,'Company 103','unchanged',0,'listing','2026-11-20T09:00:00.120094Z',3,3,0,0,0,0,0,0,0,0,3,3,0,0,1);
INSERT INTO "run_companies" VALUES('20261120T090000Z-2265b1f5','main',104,'Company 104','unchanged',0,'listing','2026-11-20T09:00:00.120095Z',3,3,0,0,0,0,0,0,0,0,3,3,0,0,1);
INSERT INTO "run_companies" VALUES('20261120T090000Z-2265b1f5','main',106,'Company 106','unchanged',0,'listing','2026-11-20T09:00:00.120096Z',3,3,0,0,0,0,0,0,0,1,4,3,0,1,1);
INSERT INTO "run_companies" VALUES('20261120T090000Z-2265b1f5','main',107,'Company 107','unchanged',0,'listing','2026-11-20T09:00:00.120097Z',3,3,0,0,0,0,0,0,0,0,3,3,0,0,1);
INSERT INTO "run_companies" VALUES('20261120T100000Z-2265b1f5','main',102,'Company 102','synced',0,'listing','2026-11-20T10:00:00.160144Z',3,2,0,1,0,0,0,0,0,0,3,3,0,0,1);
INSERT INTO "run_companies" VALUES('20261120T110000Z-2265b1f5','main',103,'Company 103','synced',0,'probe','2026-11-20T11:00:00.200191Z',4,2,1,1,0,0,0,0,0,0,NULL,NULL,NULL,NULL,2);
INSERT INTO "run_companies" VALUES('20261120T130000Z-2265b1f5','main',106,'Company 106','synced',0,'listing','2026-11-20T13:00:00.300286Z',3,2,0,1,0,0,0,0,0,1,4,3,0,1,2);
INSERT INTO "run_companies" VALUES('20261120T140000Z-2265b1f5','main',106,'Company 106','unchanged',0,'listing','2026-11-20T14:00:00.360344Z',3,3,0,0,0,0,0,0,0,1,4,3,0,1,1);
INSERT INTO "run_companies" VALUES('20261120T150000Z-2265b1f5','main',107,'Company 107','synced',0,'listing','2026-11-20T15:00:00.400391Z',3,2,0,1,0,0,0,0,0,0,3,3,0,0,1);
INSERT INTO "run_companies" VALUES('20261120T160000Z-2265b1f5','main',201,'Company 201','synced',0,'listing','2026-11-20T16:00:00.460442Z',3,0,3,0,0,0,0,0,0,0,0,0,0,0,2);
INSERT INTO "run_companies" VALUES('20261120T160000Z-2265b1f5','main',202,'Company 202','synced',0,'listing','2026-11-20T16:00:00.460442Z',3,0,3,0,0,0,0,0,0,0,0,0,0,0,2);
INSERT INTO "run_companies" VALUES('20261120T160000Z-2265b1f5','main',203,'Company 203','synced',0,'listing','2026-11-20T16:00:00.460443Z',3,0,3,0,0,0,0,0,0,0,0,0,0,0,2);
INSERT INTO "run_companies" VALUES('20261120T160000Z-2265b1f5','main',204,'Company 204','synced',0,'listing','2026-11-20T16:00:00.460444Z',3,0,3,0,0,0,0,0,0,0,0,0,0,0,2);
INSERT INTO "run_companies" VALUES('20261120T160000Z-2265b1f5','main',205,'Company 205','partial',3,'listing','2026-11-20T16:00:00.460445Z',4,0,3,0,1,0,0,0,0,0,0,0,0,0,2);
INSERT INTO "run_companies" VALUES('20261120T160000Z-2265b1f5','main',206,'Company 206','synced',0,'listing','2026-11-20T16:00:00.460446Z',3,1,2,0,0,0,0,0,0,1,2,1,0,1,2);
INSERT INTO "run_companies" VALUES('20261120T160000Z-2265b1f5','main',207,'Company 207','synced',0,'listing','2026-11-20T16:00:00.460447Z',3,0,3,0,0,0,0,0,0,0,0,0,0,0,2);
INSERT INTO "run_companies" VALUES('20261120T170000Z-2265b1f5','main',201,'Company 201','unchanged',0,'listing','2026-11-20T17:00:00.520502Z',3,3,0,0,0,0,0,0,0,0,3,3,0,0,1);
INSERT INTO "run_companies" VALUES('20261120T170000Z-2265b1f5','main',202,'Company 202','unchanged',0,'listing','2026-11-20T17:00:00.520502Z',3,3,0,0,0,0,0,0,0,0,3,3,0,0,1);
INSERT INTO "run_companies" VALUES('20261120T170000Z-2265b1f5','main',203,'Company 203','unchanged',0,'listing','2026-11-20T17:00:00.520503Z',3,3,0,0,0,0,0,0,0,0,3,3,0,0,1);
INSERT INTO "run_companies" VALUES('20261120T170000Z-2265b1f5','main',204,'Company 204','unchanged',0,'listing','2026-11-20T17:00:00.520504Z',3,3,0,0,0,0,0,0,0,0,3,3,0,0,1);
INSERT INTO "run_companies" VALUES('20261120T170000Z-2265b1f5','main',206,'Company 206','unchanged',0,'listing','2026-11-20T17:00:00.520505Z',3,3,0,0,0,0,0,0,0,1,4,3,0,1,1);
INSERT INTO "run_companies" VALUES('20261120T170000Z-2265b1f5','main',207,'Company 207','unchanged',0,'listing','2026-11-20T17:00:00.520506Z',3,3,0,0,0,0,0,0,0,0,3,3,0,0,1);
INSERT INTO "run_companies" VALUES('20261120T180000Z-2265b1f5','main',202,'Company 202','synced',0,'listing','2026-11-20T18:00:00.560553Z',3,2,0,1,0,0,0,0,0,0,3,3,0,0,1);
INSERT INTO "run_companies" VALUES('20261120T190000Z-2265b1f5','main',203,'Company 203','synced',0,'probe','2026-11-20T19:00:00.600600Z',4,2,1,1,0,0,0,0,0,0,NULL,NULL,NULL,NULL,2);
INSERT INTO "run_companies" VALUES('20261120T210000Z-2265b1f5','main',206,'Company 206','synced',0,'listing','2026-11-20T21:00:00.700695Z',3,2,0,1,0,0,0,0,0,1,4,3,0,1,2);
INSERT INTO "run_companies" VALUES('20261120T220000Z-2265b1f5','main',206,'Company 206','unchanged',0,'listing','2026-11-20T22:00:00.760753Z',3,3,0,0,0,0,0,0,0,1,4,3,0,1,1);
INSERT INTO "run_companies" VALUES('20261120T230000Z-2265b1f5','main',207,'Company 207','synced',0,'listing','2026-11-20T23:00:00.800800Z',3,2,0,1,0,0,0,0,0,0,3,3,0,0,1);
CREATE TABLE runs (
                id text primary key not null,
                verb text not null,
                origin text,                               -- null: of a run before this column
                started_at text not null,
                finished_at text,                          -- null: still running, or crashed
                exit_code integer,
                allowed text,                              -- guards that a person let pass: "mass-create:123"
                result text                                -- JSON, dimsync.result/1; last, for it is long
            );
INSERT INTO "runs" VALUES('20261120T080000Z-2265b1f5','sync','http://world.test:80/v1','2026-11-20T08:00:00.000000Z','2026-11-20T08:00:00.080056Z',3,NULL,'{"schema":"dimsync.result/1","run_id":"20261120T080000Z-2265b1f5","verb":"sync","started_at":"2026-11-20T08:00:00.000Z","finished_at":"2026-11-20T08:00:00.080Z","elapsed_s":0.08,"exit_code":3,"totals":{"companies":7,"source_rows":22,"unchanged":1,"created":20,"updated":0,"rejected":1,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":1,"remote_rows":2,"matched":1,"contested":0,"orphans":1,"requests":{"list":7,"probe":0,"bulk":7,"directory":1,"batch":0,"token":1,"retry":0,"total":16}},"companies":[{"company_id":101,"name":"Company 101","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T08:00:00.060Z","source_rows":3,"unchanged":0,"created":3,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":0,"matched":0,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":{"whole":true,"declared":0,"unique":0,"pages":1,"repeats":0},"problems":[]},{"company_id":102,"name":"Company 102","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T08:00:00.060Z","source_rows":3,"unchanged":0,"created":3,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":0,"matched":0,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":{"whole":true,"declared":0,"unique":0,"pages":1,"repeats":0},"problems":[]},{"company_id":103,"name":"Company 103","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T08:00:00.060Z","source_rows":3,"unchanged":0,"created":3,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":0,"matched":0,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":{"whole":true,"declared":0,"unique":0,"pages":1,"repeats":0},"problems":[]},{"company_id":104,"name":"Company 104","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T08:00:00.060Z","source_rows":3,"unchanged":0,"created":3,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":0,"matched":0,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":{"whole":true,"declared":0,"unique":0,"pages":1,"repeats":0},"problems":[]},{"company_id":105,"name":"Company 105","account":"main","state":"partial","evidence":"listing","verified_at":"2026-11-20T08:00:00.060Z","source_rows":4,"unchanged":0,"created":3,"updated":0,"rejected":1,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":0,"matched":0,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":{"whole":true,"declared":0,"unique":0,"pages":1,"repeats":0},"problems":[{"code":"rejected","key":"bad","message":"refused (validation_error)","file":null,"line":null}]},{"company_id":106,"name":"Company 106","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T08:00:00.060Z","source_rows":3,"unchanged":1,"created":2,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":1,"remote_rows":2,"matched":1,"contested":0,"orphans":1,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":{"whole":true,"declared":2,"unique":2,"pages":1,"repeats":0},"problems":[{"code":"not-observable","key":null,"message":"the code of 1 adopted rows is not observable: neither listing nor ledger shows it, so one that differs there stays as it is","file":null,"line":null}]},{"company_id":107,"name":"Company 107","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T08:00:00.060Z","source_rows":3,"unchanged":0,"created":3,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":0,"matched":0,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":{"whole":true,"declared":0,"unique":0,"pages":1,"repeats":0},"problems":[]}]}');
INSERT INTO "runs" VALUES('20261120T090000Z-2265b1f5','sync','http://world.test:80/v1','2026-11-20T09:00:00.080064Z','2026-11-20T09:00:00.120109Z',0,NULL,'{"schema":"dimsync.result/1","run_id":"20261120T090000Z-2265b1f5","verb":"sync","started_at":"2026-11-20T09:00:00.080Z","finished_at":"2026-11-20T09:00:00.120Z","elapsed_s":0.04,"exit_code":0,"totals":{"companies":6,"source_rows":18,"unchanged":18,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":1,"remote_rows":19,"matched":18,"contested":0,"orphans":1,"requests":{"list":6,"probe":0,"bulk":0,"directory":0,"batch":0,"token":1,"retry":0,"total":7}},"companies":[{"company_id":101,"name":"Company 101","account":"main","state":"unchanged","evidence":"listing","verified_at":"2026-11-20T09:00:00.120Z","source_rows":3,"unchanged":3,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":3,"unique":3,"pages":1,"repeats":0},"problems":[]},{"company_id":102,"name":"Company 102","account":"main","state":"unchanged","evidence":"listing","verified_at":"2026-11-20T09:00:00.120Z","source_rows":3,"unchanged":3,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":3,"unique":3,"pages":1,"repeats":0},"problems":[]},{"company_id":103,"name":"Company 103","account":"main","state":"unchanged","evidence":"listing","verified_at":"2026-11-20T09:00:00.120Z","source_rows":3,"unchanged":3,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":3,"unique":3,"pages":1,"repeats":0},"problems":[]},{"company_id":104,"name":"Company 104","account":"main","state":"unchanged","evidence":"listing","verified_at":"2026-11-20T09:00:00.120Z","source_rows":3,"unchanged":3,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":3,"unique":3,"pages":1,"repeats":0},"problems":[]},{"company_id":106,"name":"Company 106","account":"main","state":"unchanged","evidence":"listing","verified_at":"2026-11-20T09:00:00.120Z","source_rows":3,"unchanged":3,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":1,"remote_rows":4,"matched":3,"contested":0,"orphans":1,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":4,"unique":4,"pages":1,"repeats":0},"problems":[{"code":"not-observable","key":null,"message":"the code of 1 adopted rows is not observable: neither listing nor ledger shows it, so one that differs there stays as it is","file":null,"line":null}]},{"company_id":107,"name":"Company 107","account":"main","state":"unchanged","evidence":"listing","verified_at":"2026-11-20T09:00:00.120Z","source_rows":3,"unchanged":3,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":3,"unique":3,"pages":1,"repeats":0},"problems":[]}]}');
INSERT INTO "runs" VALUES('20261120T100000Z-2265b1f5','plan','http://world.test:80/v1','2026-11-20T10:00:00.120117Z','2026-11-20T10:00:00.160154Z',0,NULL,'{"schema":"dimsync.result/1","run_id":"20261120T100000Z-2265b1f5","verb":"plan","started_at":"2026-11-20T10:00:00.120Z","finished_at":"2026-11-20T10:00:00.160Z","elapsed_s":0.04,"exit_code":0,"totals":{"companies":1,"source_rows":3,"unchanged":2,"created":0,"updated":1,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":1,"retry":0,"total":2}},"companies":[{"company_id":102,"name":"Company 102","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T10:00:00.160Z","source_rows":3,"unchanged":2,"created":0,"updated":1,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":3,"unique":3,"pages":1,"repeats":0},"problems":[],"differences":[{"kind":"differs","key":"b","remote_id":"dim_1005","type":"account","name":"Name 2","whose":"changed in Ottimate","fields":[{"name":"name","acknowledged":"Name 2","source":"Name 2","remote":"By hand","whose":"changed in Ottimate"}]}]}]}');
INSERT INTO "runs" VALUES('20261120T110000Z-2265b1f5','sync','http://world.test:80/v1','2026-11-20T11:00:00.160162Z','2026-11-20T11:00:00.220210Z',0,NULL,'{"schema":"dimsync.result/1","run_id":"20261120T110000Z-2265b1f5","verb":"sync","started_at":"2026-11-20T11:00:00.160Z","finished_at":"2026-11-20T11:00:00.220Z","elapsed_s":0.06,"exit_code":0,"totals":{"companies":1,"source_rows":4,"unchanged":2,"created":1,"updated":1,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":null,"matched":null,"contested":null,"orphans":null,"requests":{"list":0,"probe":1,"bulk":1,"directory":0,"batch":0,"token":1,"retry":0,"total":3}},"companies":[{"company_id":103,"name":"Company 103","account":"main","state":"synced","evidence":"probe","verified_at":"2026-11-20T11:00:00.200Z","source_rows":4,"unchanged":2,"created":1,"updated":1,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":null,"matched":null,"contested":null,"orphans":null,"requests":{"list":0,"probe":1,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":null,"problems":[]}]}');
INSERT INTO "runs" VALUES('20261120T120000Z-2265b1f5','sync','http://world.test:80/v1','2026-11-20T12:00:00.220218Z',NULL,NULL,NULL,NULL);
INSERT INTO "runs" VALUES('20261120T130000Z-2265b1f5','sync','http://world.test:80/v1','2026-11-20T13:00:00.260257Z','2026-11-20T13:00:00.320307Z',0,NULL,'{"schema":"dimsync.result/1","run_id":"20261120T130000Z-2265b1f5","verb":"sync","started_at":"2026-11-20T13:00:00.260Z","finished_at":"2026-11-20T13:00:00.320Z","elapsed_s":0.06,"exit_code":0,"totals":{"companies":1,"source_rows":3,"unchanged":2,"created":0,"updated":1,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":1,"remote_rows":4,"matched":3,"contested":0,"orphans":1,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":1,"retry":0,"total":3}},"companies":[{"company_id":106,"name":"Company 106","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T13:00:00.300Z","source_rows":3,"unchanged":2,"created":0,"updated":1,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":1,"remote_rows":4,"matched":3,"contested":0,"orphans":1,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":{"whole":true,"declared":4,"unique":4,"pages":1,"repeats":0},"problems":[{"code":"not-observable","key":null,"message":"the code of 1 adopted rows is not observable: neither listing nor ledger shows it, so one that differs there stays as it is","file":null,"line":null}]}]}');
INSERT INTO "runs" VALUES('20261120T140000Z-2265b1f5','sync','http://world.test:80/v1','2026-11-20T14:00:00.320315Z','2026-11-20T14:00:00.360356Z',0,NULL,'{"schema":"dimsync.result/1","run_id":"20261120T140000Z-2265b1f5","verb":"sync","started_at":"2026-11-20T14:00:00.320Z","finished_at":"2026-11-20T14:00:00.360Z","elapsed_s":0.04,"exit_code":0,"totals":{"companies":1,"source_rows":3,"unchanged":3,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":1,"remote_rows":4,"matched":3,"contested":0,"orphans":1,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":1,"retry":0,"total":2}},"companies":[{"company_id":106,"name":"Company 106","account":"main","state":"unchanged","evidence":"listing","verified_at":"2026-11-20T14:00:00.360Z","source_rows":3,"unchanged":3,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":1,"remote_rows":4,"matched":3,"contested":0,"orphans":1,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":4,"unique":4,"pages":1,"repeats":0},"problems":[{"code":"not-observable","key":null,"message":"the code of 1 adopted rows is not observable: neither listing nor ledger shows it, so one that differs there stays as it is","file":null,"line":null}]}]}');
INSERT INTO "runs" VALUES('20261120T150000Z-2265b1f5','plan','http://world.test:80/v1','2026-11-20T15:00:00.360364Z','2026-11-20T15:00:00.400401Z',0,NULL,'{"schema":"dimsync.result/1","run_id":"20261120T150000Z-2265b1f5","verb":"plan","started_at":"2026-11-20T15:00:00.360Z","finished_at":"2026-11-20T15:00:00.400Z","elapsed_s":0.04,"exit_code":0,"totals":{"companies":1,"source_rows":3,"unchanged":2,"created":0,"updated":1,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":1,"retry":0,"total":2}},"companies":[{"company_id":107,"name":"Company 107","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T15:00:00.400Z","source_rows":3,"unchanged":2,"created":0,"updated":1,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":3,"unique":3,"pages":1,"repeats":0},"problems":[],"differences":[{"kind":"differs","key":"a","remote_id":"dim_1018","type":"account","name":"Name 1","whose":"changed in Ottimate","fields":[{"name":"name","acknowledged":"Name 1","source":"Name 1","remote":"By hand","whose":"changed in Ottimate"}]}]}]}');
INSERT INTO "runs" VALUES('20261120T160000Z-2265b1f5','sync','http://world.test:80/v1','2026-11-20T16:00:00.400409Z','2026-11-20T16:00:00.480465Z',3,NULL,'{"schema":"dimsync.result/1","run_id":"20261120T160000Z-2265b1f5","verb":"sync","started_at":"2026-11-20T16:00:00.400Z","finished_at":"2026-11-20T16:00:00.480Z","elapsed_s":0.08,"exit_code":3,"totals":{"companies":7,"source_rows":22,"unchanged":1,"created":20,"updated":0,"rejected":1,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":1,"remote_rows":2,"matched":1,"contested":0,"orphans":1,"requests":{"list":7,"probe":0,"bulk":7,"directory":1,"batch":0,"token":1,"retry":0,"total":16}},"companies":[{"company_id":201,"name":"Company 201","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T16:00:00.460Z","source_rows":3,"unchanged":0,"created":3,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":0,"matched":0,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":{"whole":true,"declared":0,"unique":0,"pages":1,"repeats":0},"problems":[]},{"company_id":202,"name":"Company 202","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T16:00:00.460Z","source_rows":3,"unchanged":0,"created":3,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":0,"matched":0,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":{"whole":true,"declared":0,"unique":0,"pages":1,"repeats":0},"problems":[]},{"company_id":203,"name":"Company 203","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T16:00:00.460Z","source_rows":3,"unchanged":0,"created":3,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":0,"matched":0,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":{"whole":true,"declared":0,"unique":0,"pages":1,"repeats":0},"problems":[]},{"company_id":204,"name":"Company 204","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T16:00:00.460Z","source_rows":3,"unchanged":0,"created":3,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":0,"matched":0,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":{"whole":true,"declared":0,"unique":0,"pages":1,"repeats":0},"problems":[]},{"company_id":205,"name":"Company 205","account":"main","state":"partial","evidence":"listing","verified_at":"2026-11-20T16:00:00.460Z","source_rows":4,"unchanged":0,"created":3,"updated":0,"rejected":1,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":0,"matched":0,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":{"whole":true,"declared":0,"unique":0,"pages":1,"repeats":0},"problems":[{"code":"rejected","key":"bad","message":"refused (validation_error)","file":null,"line":null}]},{"company_id":206,"name":"Company 206","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T16:00:00.460Z","source_rows":3,"unchanged":1,"created":2,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":1,"remote_rows":2,"matched":1,"contested":0,"orphans":1,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":{"whole":true,"declared":2,"unique":2,"pages":1,"repeats":0},"problems":[{"code":"not-observable","key":null,"message":"the code of 1 adopted rows is not observable: neither listing nor ledger shows it, so one that differs there stays as it is","file":null,"line":null}]},{"company_id":207,"name":"Company 207","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T16:00:00.460Z","source_rows":3,"unchanged":0,"created":3,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":0,"matched":0,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":{"whole":true,"declared":0,"unique":0,"pages":1,"repeats":0},"problems":[]}]}');
INSERT INTO "runs" VALUES('20261120T170000Z-2265b1f5','sync','http://world.test:80/v1','2026-11-20T17:00:00.480473Z','2026-11-20T17:00:00.520518Z',0,NULL,'{"schema":"dimsync.result/1","run_id":"20261120T170000Z-2265b1f5","verb":"sync","started_at":"2026-11-20T17:00:00.480Z","finished_at":"2026-11-20T17:00:00.520Z","elapsed_s":0.04,"exit_code":0,"totals":{"companies":6,"source_rows":18,"unchanged":18,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":1,"remote_rows":19,"matched":18,"contested":0,"orphans":1,"requests":{"list":6,"probe":0,"bulk":0,"directory":0,"batch":0,"token":1,"retry":0,"total":7}},"companies":[{"company_id":201,"name":"Company 201","account":"main","state":"unchanged","evidence":"listing","verified_at":"2026-11-20T17:00:00.520Z","source_rows":3,"unchanged":3,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":3,"unique":3,"pages":1,"repeats":0},"problems":[]},{"company_id":202,"name":"Company 202","account":"main","state":"unchanged","evidence":"listing","verified_at":"2026-11-20T17:00:00.520Z","source_rows":3,"unchanged":3,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":3,"unique":3,"pages":1,"repeats":0},"problems":[]},{"company_id":203,"name":"Company 203","account":"main","state":"unchanged","evidence":"listing","verified_at":"2026-11-20T17:00:00.520Z","source_rows":3,"unchanged":3,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":3,"unique":3,"pages":1,"repeats":0},"problems":[]},{"company_id":204,"name":"Company 204","account":"main","state":"unchanged","evidence":"listing","verified_at":"2026-11-20T17:00:00.520Z","source_rows":3,"unchanged":3,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":3,"unique":3,"pages":1,"repeats":0},"problems":[]},{"company_id":206,"name":"Company 206","account":"main","state":"unchanged","evidence":"listing","verified_at":"2026-11-20T17:00:00.520Z","source_rows":3,"unchanged":3,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":1,"remote_rows":4,"matched":3,"contested":0,"orphans":1,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":4,"unique":4,"pages":1,"repeats":0},"problems":[{"code":"not-observable","key":null,"message":"the code of 1 adopted rows is not observable: neither listing nor ledger shows it, so one that differs there stays as it is","file":null,"line":null}]},{"company_id":207,"name":"Company 207","account":"main","state":"unchanged","evidence":"listing","verified_at":"2026-11-20T17:00:00.520Z","source_rows":3,"unchanged":3,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":3,"unique":3,"pages":1,"repeats":0},"problems":[]}]}');
INSERT INTO "runs" VALUES('20261120T180000Z-2265b1f5','plan','http://world.test:80/v1','2026-11-20T18:00:00.520526Z','2026-11-20T18:00:00.560563Z',0,NULL,'{"schema":"dimsync.result/1","run_id":"20261120T180000Z-2265b1f5","verb":"plan","started_at":"2026-11-20T18:00:00.520Z","finished_at":"2026-11-20T18:00:00.560Z","elapsed_s":0.04,"exit_code":0,"totals":{"companies":1,"source_rows":3,"unchanged":2,"created":0,"updated":1,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":1,"retry":0,"total":2}},"companies":[{"company_id":202,"name":"Company 202","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T18:00:00.560Z","source_rows":3,"unchanged":2,"created":0,"updated":1,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":3,"unique":3,"pages":1,"repeats":0},"problems":[],"differences":[{"kind":"differs","key":"b","remote_id":"dim_2005","type":"account","name":"Name 2","whose":"changed in Ottimate","fields":[{"name":"name","acknowledged":"Name 2","source":"Name 2","remote":"By hand","whose":"changed in Ottimate"}]}]}]}');
INSERT INTO "runs" VALUES('20261120T190000Z-2265b1f5','sync','http://world.test:80/v1','2026-11-20T19:00:00.560571Z','2026-11-20T19:00:00.620619Z',0,NULL,'{"schema":"dimsync.result/1","run_id":"20261120T190000Z-2265b1f5","verb":"sync","started_at":"2026-11-20T19:00:00.560Z","finished_at":"2026-11-20T19:00:00.620Z","elapsed_s":0.06,"exit_code":0,"totals":{"companies":1,"source_rows":4,"unchanged":2,"created":1,"updated":1,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":null,"matched":null,"contested":null,"orphans":null,"requests":{"list":0,"probe":1,"bulk":1,"directory":0,"batch":0,"token":1,"retry":0,"total":3}},"companies":[{"company_id":203,"name":"Company 203","account":"main","state":"synced","evidence":"probe","verified_at":"2026-11-20T19:00:00.600Z","source_rows":4,"unchanged":2,"created":1,"updated":1,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":null,"matched":null,"contested":null,"orphans":null,"requests":{"list":0,"probe":1,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":null,"problems":[]}]}');
INSERT INTO "runs" VALUES('20261120T200000Z-2265b1f5','sync','http://world.test:80/v1','2026-11-20T20:00:00.620627Z',NULL,NULL,NULL,NULL);
INSERT INTO "runs" VALUES('20261120T210000Z-2265b1f5','sync','http://world.test:80/v1','2026-11-20T21:00:00.660666Z','2026-11-20T21:00:00.720716Z',0,NULL,'{"schema":"dimsync.result/1","run_id":"20261120T210000Z-2265b1f5","verb":"sync","started_at":"2026-11-20T21:00:00.660Z","finished_at":"2026-11-20T21:00:00.720Z","elapsed_s":0.06,"exit_code":0,"totals":{"companies":1,"source_rows":3,"unchanged":2,"created":0,"updated":1,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":1,"remote_rows":4,"matched":3,"contested":0,"orphans":1,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":1,"retry":0,"total":3}},"companies":[{"company_id":206,"name":"Company 206","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T21:00:00.700Z","source_rows":3,"unchanged":2,"created":0,"updated":1,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":1,"remote_rows":4,"matched":3,"contested":0,"orphans":1,"requests":{"list":1,"probe":0,"bulk":1,"directory":0,"batch":0,"token":0,"retry":0,"total":2},"certificate":{"whole":true,"declared":4,"unique":4,"pages":1,"repeats":0},"problems":[{"code":"not-observable","key":null,"message":"the code of 1 adopted rows is not observable: neither listing nor ledger shows it, so one that differs there stays as it is","file":null,"line":null}]}]}');
INSERT INTO "runs" VALUES('20261120T220000Z-2265b1f5','sync','http://world.test:80/v1','2026-11-20T22:00:00.720724Z','2026-11-20T22:00:00.760765Z',0,NULL,'{"schema":"dimsync.result/1","run_id":"20261120T220000Z-2265b1f5","verb":"sync","started_at":"2026-11-20T22:00:00.720Z","finished_at":"2026-11-20T22:00:00.760Z","elapsed_s":0.04,"exit_code":0,"totals":{"companies":1,"source_rows":3,"unchanged":3,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":1,"remote_rows":4,"matched":3,"contested":0,"orphans":1,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":1,"retry":0,"total":2}},"companies":[{"company_id":206,"name":"Company 206","account":"main","state":"unchanged","evidence":"listing","verified_at":"2026-11-20T22:00:00.760Z","source_rows":3,"unchanged":3,"created":0,"updated":0,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":1,"remote_rows":4,"matched":3,"contested":0,"orphans":1,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":4,"unique":4,"pages":1,"repeats":0},"problems":[{"code":"not-observable","key":null,"message":"the code of 1 adopted rows is not observable: neither listing nor ledger shows it, so one that differs there stays as it is","file":null,"line":null}]}]}');
INSERT INTO "runs" VALUES('20261120T230000Z-2265b1f5','plan','http://world.test:80/v1','2026-11-20T23:00:00.760773Z','2026-11-20T23:00:00.800810Z',0,NULL,'{"schema":"dimsync.result/1","run_id":"20261120T230000Z-2265b1f5","verb":"plan","started_at":"2026-11-20T23:00:00.760Z","finished_at":"2026-11-20T23:00:00.800Z","elapsed_s":0.04,"exit_code":0,"totals":{"companies":1,"source_rows":3,"unchanged":2,"created":0,"updated":1,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":1,"retry":0,"total":2}},"companies":[{"company_id":207,"name":"Company 207","account":"main","state":"synced","evidence":"listing","verified_at":"2026-11-20T23:00:00.800Z","source_rows":3,"unchanged":2,"created":0,"updated":1,"rejected":0,"held":0,"deferred":0,"uncertain":0,"invalid":0,"adopted":0,"remote_rows":3,"matched":3,"contested":0,"orphans":0,"requests":{"list":1,"probe":0,"bulk":0,"directory":0,"batch":0,"token":0,"retry":0,"total":1},"certificate":{"whole":true,"declared":3,"unique":3,"pages":1,"repeats":0},"problems":[],"differences":[{"kind":"differs","key":"a","remote_id":"dim_2018","type":"account","name":"Name 1","whose":"changed in Ottimate","fields":[{"name":"name","acknowledged":"Name 1","source":"Name 1","remote":"By hand","whose":"changed in Ottimate"}]}]}]}');
CREATE TABLE scopes (
                id integer primary key,
                origin text not null,
                account text not null,
                company_id integer not null,
                listed_at text,
                checked_at text,
                certificate text,                          -- JSON, of the listing at listed_at
                remote_count integer,
                failures integer not null default 0,
                retry_at text,
                failed_source blob,
                failure text,
                failure_message text,
                last_good_rows integer,
                lost_at text, passed blob, generation integer not null default 0, changed_by text, clean blob, clean_rows integer, clean_adopted integer,                              -- the last send whose answer never came
                unique (origin, account, company_id)
            );
INSERT INTO "scopes" VALUES(1,'http://world.test:80/v1','racc_1',101,'2026-11-20T09:00:00.120093Z','2026-11-20T09:00:00.120093Z','{"declared":3,"declared_last":3,"unique":3,"rows":3,"pages":1}',3,0,NULL,NULL,NULL,NULL,3,NULL,NULL,1,'20261120T080000Z-2265b1f5',X'FEFD32E7F1345F8D002C41A8E149B102',3,0);
INSERT INTO "scopes" VALUES(2,'http://world.test:80/v1','racc_1',102,'2026-11-20T10:00:00.160144Z','2026-11-20T10:00:00.160144Z','{"declared":3,"declared_last":3,"unique":3,"rows":3,"pages":1}',3,0,NULL,NULL,NULL,NULL,3,NULL,NULL,2,'20261120T100000Z-2265b1f5',NULL,NULL,NULL);
INSERT INTO "scopes" VALUES(3,'http://world.test:80/v1','racc_1',103,'2026-11-20T09:00:00.120094Z','2026-11-20T11:00:00.200191Z','{"declared":3,"declared_last":3,"unique":3,"rows":3,"pages":1}',4,0,NULL,NULL,NULL,NULL,4,NULL,NULL,2,'20261120T110000Z-2265b1f5',NULL,NULL,NULL);
INSERT INTO "scopes" VALUES(4,'http://world.test:80/v1','racc_1',104,'2026-11-20T09:00:00.120095Z','2026-11-20T09:00:00.120095Z','{"declared":3,"declared_last":3,"unique":3,"rows":3,"pages":1}',3,0,NULL,NULL,NULL,NULL,3,NULL,NULL,1,'20261120T080000Z-2265b1f5',NULL,NULL,NULL);
INSERT INTO "scopes" VALUES(5,'http://world.test:80/v1','racc_1',105,'2026-11-20T08:00:00.060036Z','2026-11-20T08:00:00.060036Z','{"declared":0,"declared_last":0,"unique":0,"rows":0,"pages":1}',3,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,'20261120T080000Z-2265b1f5',NULL,NULL,NULL);
INSERT INTO "scopes" VALUES(6,'http://world.test:80/v1','racc_1',106,'2026-11-20T14:00:00.360344Z','2026-11-20T14:00:00.360344Z','{"declared":4,"declared_last":4,"unique":4,"rows":4,"pages":1}',4,0,NULL,NULL,NULL,NULL,3,NULL,NULL,4,'20261120T130000Z-2265b1f5',NULL,NULL,NULL);
INSERT INTO "scopes" VALUES(7,'http://world.test:80/v1','racc_1',107,'2026-11-20T15:00:00.400391Z','2026-11-20T15:00:00.400391Z','{"declared":3,"declared_last":3,"unique":3,"rows":3,"pages":1}',3,0,NULL,NULL,NULL,NULL,3,NULL,NULL,2,'20261120T150000Z-2265b1f5',NULL,NULL,NULL);
INSERT INTO "scopes" VALUES(8,'http://world.test:80/v1','racc_1',201,'2026-11-20T17:00:00.520502Z','2026-11-20T17:00:00.520502Z','{"declared":3,"declared_last":3,"unique":3,"rows":3,"pages":1}',3,0,NULL,NULL,NULL,NULL,3,NULL,NULL,1,'20261120T160000Z-2265b1f5',X'2BC97EBBD68F024A87671B61D4821CD5',3,0);
INSERT INTO "scopes" VALUES(9,'http://world.test:80/v1','racc_1',202,'2026-11-20T18:00:00.560553Z','2026-11-20T18:00:00.560553Z','{"declared":3,"declared_last":3,"unique":3,"rows":3,"pages":1}',3,0,NULL,NULL,NULL,NULL,3,NULL,NULL,2,'20261120T180000Z-2265b1f5',NULL,NULL,NULL);
INSERT INTO "scopes" VALUES(10,'http://world.test:80/v1','racc_1',203,'2026-11-20T17:00:00.520503Z','2026-11-20T19:00:00.600600Z','{"declared":3,"declared_last":3,"unique":3,"rows":3,"pages":1}',4,0,NULL,NULL,NULL,NULL,4,NULL,NULL,2,'20261120T190000Z-2265b1f5',NULL,NULL,NULL);
INSERT INTO "scopes" VALUES(11,'http://world.test:80/v1','racc_1',204,'2026-11-20T17:00:00.520504Z','2026-11-20T17:00:00.520504Z','{"declared":3,"declared_last":3,"unique":3,"rows":3,"pages":1}',3,0,NULL,NULL,NULL,NULL,3,NULL,NULL,1,'20261120T160000Z-2265b1f5',NULL,NULL,NULL);
INSERT INTO "scopes" VALUES(12,'http://world.test:80/v1','racc_1',205,'2026-11-20T16:00:00.460445Z','2026-11-20T16:00:00.460445Z','{"declared":0,"declared_last":0,"unique":0,"rows":0,"pages":1}',3,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,'20261120T160000Z-2265b1f5',NULL,NULL,NULL);
INSERT INTO "scopes" VALUES(13,'http://world.test:80/v1','racc_1',206,'2026-11-20T22:00:00.760753Z','2026-11-20T22:00:00.760753Z','{"declared":4,"declared_last":4,"unique":4,"rows":4,"pages":1}',4,0,NULL,NULL,NULL,NULL,3,NULL,NULL,4,'20261120T210000Z-2265b1f5',NULL,NULL,NULL);
INSERT INTO "scopes" VALUES(14,'http://world.test:80/v1','racc_1',207,'2026-11-20T23:00:00.800800Z','2026-11-20T23:00:00.800800Z','{"declared":3,"declared_last":3,"unique":3,"rows":3,"pages":1}',3,0,NULL,NULL,NULL,NULL,3,NULL,NULL,2,'20261120T230000Z-2265b1f5',NULL,NULL,NULL);
CREATE TABLE sketches (
                scope integer primary key references scopes (id),
                rows integer not null,
                marks blob not null                        -- the smallest ones, 8 bytes each (planning.sketch)
            );
INSERT INTO "sketches" VALUES(1,3,X'2EB6E3343D0851373930B56D5CEE392A951BD33CD5BBBFCE');
INSERT INTO "sketches" VALUES(2,3,X'2EB6E3343D0851373930B56D5CEE392A951BD33CD5BBBFCE');
INSERT INTO "sketches" VALUES(3,4,X'01BA4F86E1F471DE3930B56D5CEE392A951BD33CD5BBBFCEAF70E88BDA66EB28');
INSERT INTO "sketches" VALUES(4,3,X'2EB6E3343D0851373930B56D5CEE392A951BD33CD5BBBFCE');
INSERT INTO "sketches" VALUES(6,3,X'2EB6E3343D0851373930B56D5CEE392A951BD33CD5BBBFCE');
INSERT INTO "sketches" VALUES(7,3,X'2EB6E3343D0851373930B56D5CEE392A951BD33CD5BBBFCE');
INSERT INTO "sketches" VALUES(8,3,X'2EB6E3343D0851373930B56D5CEE392A951BD33CD5BBBFCE');
INSERT INTO "sketches" VALUES(9,3,X'2EB6E3343D0851373930B56D5CEE392A951BD33CD5BBBFCE');
INSERT INTO "sketches" VALUES(10,4,X'01BA4F86E1F471DE3930B56D5CEE392A951BD33CD5BBBFCEAF70E88BDA66EB28');
INSERT INTO "sketches" VALUES(11,3,X'2EB6E3343D0851373930B56D5CEE392A951BD33CD5BBBFCE');
INSERT INTO "sketches" VALUES(13,3,X'2EB6E3343D0851373930B56D5CEE392A951BD33CD5BBBFCE');
INSERT INTO "sketches" VALUES(14,3,X'2EB6E3343D0851373930B56D5CEE392A951BD33CD5BBBFCE');
CREATE TABLE strays (
                scope integer not null references scopes (id),
                position integer not null,
                id text not null,
                type_code text not null,
                type_label text not null,
                name text not null,
                erp_id text not null,
                code text,
                key text,
                primary key (scope, position)
            ) without rowid
            ;
INSERT INTO "strays" VALUES(6,0,'s1000','account','GL Account','Name 90','90',NULL,NULL);
INSERT INTO "strays" VALUES(13,0,'s2000','account','GL Account','Name 90','90','C9',NULL);
CREATE TABLE wire_keys (
                scope integer not null references scopes (id),
                source_key text not null,                  -- as the source calls the row now
                wire_key text not null,                    -- as it was created; all other tables know it by this one
                at text not null,
                primary key (scope, source_key)
            ) without rowid
            ;
CREATE INDEX attempts_of_company on attempts (scope, at);
CREATE VIEW outcomes as                        -- the JSON of `attempts` taken apart
            select scopes.origin, scopes.account, scopes.company_id,
                   attempts.run_id, attempts.at,
                   attempts.id as attempt, attempts.sends, attempts.status, attempts.request_id,
                   json_extract(line.value, '$[0]') as key,
                   json_extract(line.value, '$[1]') as outcome,
                   json_extract(line.value, '$[2]') as remote_id,
                   coalesce(json_extract(line.value, '$[3]'), '') as message
            from attempts
            join scopes on scopes.id = attempts.scope
            join json_each(attempts.rows) as line;
CREATE INDEX runs_by_start on runs (origin, started_at, id);
CREATE INDEX runs_by_end on runs (origin, finished_at, id);
COMMIT;
