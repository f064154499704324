#!/bin/sh
# The same commands without a pipeline: deploy.sh ENVIRONMENT plan | apply | undo, from the project's folder.
# The password comes from LIQUIBASE_COMMAND_PASSWORD. DATABASE names the database and confirms that it is meant: read
# target/credits/plan.html first. apply does what that plan says, or refuses; both leave their files in target/credits.
set -eu
ENVIRONMENT=${1:?give dev, stage or prod}
mvn -B -ntp -q test-compile
DATABASE=${DATABASE:-}
case ${2:?give plan, apply or undo} in
    plan)
        mvn -B -ntp liquibase:validate "-Dcontexts=$ENVIRONMENT"
        mvn -B -ntp liquibase:updateSQL "-Dcontexts=$ENVIRONMENT" -Dcredits.reportDir=target/credits -Dliquibase.migrationSqlOutputFile=target/plan.sql
        ;;
    apply)
        mvn -B -ntp liquibase:update "-Dcontexts=$ENVIRONMENT" "-Dcredits.confirm=$DATABASE" -Dcredits.reportDir=target/credits -Dcredits.plan=target/credits/plan.json
        mvn -B -ntp -q exec:java@credits-verify "-Dcontexts=$ENVIRONMENT"
        ;;
    undo)
        mvn -B -ntp liquibase:rollback -Dliquibase.rollbackCount=1 "-Dcontexts=$ENVIRONMENT" "-Dcredits.confirm=$DATABASE" -Dcredits.reportDir=target/credits
        ;;
    *)
        echo "$2 is not an action; give plan, apply or undo" >&2
        exit 2
        ;;
esac
