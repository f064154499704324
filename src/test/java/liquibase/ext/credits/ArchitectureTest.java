package liquibase.ext.credits;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noCodeUnits;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The house's rooms, from the compiled classes that users get: data flows one way, doors are few, nothing strange comes in. */
class ArchitectureTest {

    private static final String HOUSE = "liquibase.ext.credits";

    /** From the room that knows nobody to the door; a room may use those before it. */
    private static final List<String> ROOMS = Stream.of(
                    ".report", ".document", ".conversion", ".plan", ".connection", ".environment", ".command", "")
            .map(HOUSE::concat)
            .toList();

    private static final DescribedPredicate<JavaClass> FLOATING = describe(
            "double or float",
            type -> Set.of("double", "float", "java.lang.Double", "java.lang.Float")
                    .contains(type.getName()));

    private static final JavaClasses SHIPPED =
            new ClassFileImporter().importPath(Project.ROOT.resolve("target/classes"));

    @ParameterizedTest(name = "{0}")
    @MethodSource("rooms")
    void aRoomUsesOnlyTheRoomsBeforeIt(String room) {
        String[] later = ROOMS.subList(ROOMS.indexOf(room) + 1, ROOMS.size()).toArray(String[]::new);

        noClasses()
                .that()
                .resideInAPackage(room)
                .should()
                .dependOnClassesThat(resideInAnyPackage(later))
                .check(SHIPPED);
    }

    @Test
    void noTwoRoomsUseEachOther() {
        slices().matching("liquibase.ext.(credits.*)..")
                .should()
                .beFreeOfCycles()
                .check(SHIPPED);
    }

    @Test
    void whatIsPublicIsUsedByAnotherRoomOrByLiquibase() {
        classes()
                .that()
                .arePublic()
                .and()
                .areTopLevelClasses()
                .and(describe(
                        "are not started by Liquibase",
                        type -> !startedByLiquibase().contains(type.getName())))
                .should(beUsedByAnotherRoom())
                .check(SHIPPED);
    }

    @Test
    void shippedCodeNeedsLiquibaseAndWhatLiquibaseShips() {
        noClasses()
                .should()
                .dependOnClassesThat(DescribedPredicate.not(resideInAnyPackage(
                        "java..",
                        "liquibase..",
                        "org.jspecify.annotations",
                        "org.apache.commons.lang3..",
                        "org.apache.commons.text..",
                        "org.apache.commons.io..",
                        "com.opencsv..",
                        "org.yaml.snakeyaml..")))
                .check(SHIPPED);
    }

    @Test
    void whatConvertsPlansAndReportsKnowsNoLiquibase() {
        noClasses()
                .that()
                .resideInAnyPackage(HOUSE + ".conversion", HOUSE + ".plan", HOUSE + ".report")
                .should()
                .dependOnClassesThat(
                        resideInAPackage("liquibase..").and(DescribedPredicate.not(resideInAPackage(HOUSE + ".."))))
                .check(SHIPPED);
    }

    /** What remains here are sums of totals, and the question whether a total is within a tolerance of the plan. */
    @Test
    void onlySqlMultipliesAndDividesMoney() {
        noClasses()
                .that()
                .doNotHaveSimpleName("BoundPlan")
                .should()
                .callMethodWhere(describe(
                        "multiplies or divides",
                        call -> call.getTargetOwner().isEquivalentTo(BigDecimal.class)
                                && Set.of("multiply", "divide", "pow", "remainder")
                                        .contains(call.getName())))
                .check(SHIPPED);
    }

    /** But for milliseconds and pixels of a chart. */
    @Test
    void nothingIsAFloatingPointNumber() {
        JavaClasses exact = SHIPPED.that(
                describe("draw no chart", type -> !type.getSimpleName().equals("HtmlCharts")));

        noFields().should().haveRawType(FLOATING).check(exact);
        noMethods().should().haveRawReturnType(FLOATING).check(exact);
        noCodeUnits()
                .should()
                .haveRawParameterTypes(
                        describe("with double or float", types -> types.stream().anyMatch(FLOATING)))
                .check(exact);
    }

    private static Stream<String> rooms() {
        return ROOMS.stream();
    }

    /** By its services, by the changelog, or as the argument of a public method of such a class. */
    private static Set<String> startedByLiquibase() {
        try (Stream<Path> services = Files.list(Project.ROOT.resolve("target/classes/META-INF/services"))) {
            return Stream.concat(services.flatMap(ArchitectureTest::lines), Stream.of(ConvertBalances.class.getName()))
                    .collect(Collectors.toSet());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Stream<String> lines(Path service) {
        try {
            return Files.readAllLines(service).stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ArchCondition<JavaClass> beUsedByAnotherRoom() {
        return new ArchCondition<>("be used by another room, or stand in the signature of what is") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                boolean used = type.getDirectDependenciesToSelf().stream()
                        .map(Dependency::getOriginClass)
                        .anyMatch(user -> !user.getPackageName().equals(type.getPackageName()));
                boolean inSignature = type.getDirectDependenciesToSelf().stream()
                        .map(Dependency::getOriginClass)
                        .filter(user -> user.getModifiers().contains(JavaModifier.PUBLIC))
                        .flatMap(user -> user.getMembers().stream())
                        .filter(member -> member.getModifiers().contains(JavaModifier.PUBLIC))
                        .anyMatch(member -> member.getAllInvolvedRawTypes().contains(type));
                events.add(new SimpleConditionEvent(
                        type, used || inSignature, type.getName() + " is public, and only its own package uses it"));
            }
        };
    }
}
