#include "net/metrics_text.h"

#include <limits>
#include <utility>

#include <boost/version.hpp>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace tallyd {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Families = std::vector<MetricFamily>;
using Labels = std::vector<ClientMetric::Label>;

MetricFamily& AddFamily(std::string name, std::string help, MetricType type, Families& families) {
  MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = type;
  return families.emplace_back(std::move(family));
}

void AddValue(MetricFamily& family, double value, Labels labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (family.type == MetricType::Gauge) {
    metric.gauge.value = value;
  } else {
    metric.counter.value = value;
  }
  family.metric.push_back(std::move(metric));
}

double Value(const EngineMetrics::Counter& counter) {
  return static_cast<double>(counter.load(std::memory_order_relaxed));
}

// Our buckets hold what is below 2^b; `unit` turns them into the unit of the name.
void AddHistogram(std::string name, std::string help, const Histogram& histogram, double unit,
                  Families& families) {
  ClientMetric metric;
  std::uint64_t cumulative = 0;
  for (std::size_t b = 0; b < Histogram::kBuckets; ++b) {
    cumulative += histogram.count(b);
    const bool last = b + 1 == Histogram::kBuckets;
    // Bucket b ends at 2^b - 1, the largest value in it.
    const double bound = last ? std::numeric_limits<double>::infinity()
                              : static_cast<double>((std::uint64_t{1} << b) - 1) * unit;
    metric.histogram.bucket.push_back({cumulative, bound});
  }
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum = static_cast<double>(histogram.sum()) * unit;
  AddFamily(std::move(name), std::move(help), MetricType::Histogram, families)
      .metric.push_back(std::move(metric));
}

// For counters without labels.
auto CounterAdder(Families& families) {
  return [&families](const char* name, const char* help, double value) {
    AddValue(AddFamily(name, help, MetricType::Counter, families), value);
  };
}

void AddPaper(const EngineMetrics& metrics, Families& families) {
  MetricFamily& paper =
      AddFamily("tallyd_paper_batches_total", "Paper batches by what was done with them",
                MetricType::Counter, families);
  AddValue(paper, Value(metrics.paper_entered), {{"act", "entered"}});
  AddValue(paper, Value(metrics.paper_confirmed), {{"act", "confirmed"}});
  AddValue(paper, Value(metrics.paper_voided), {{"act", "voided"}});
  const auto counter = CounterAdder(families);
  counter("tallyd_paper_cards_total", "Cards with codes that were counted",
          Value(metrics.paper_cards));
  counter("tallyd_paper_full_total",
          "Paper batches, cards and codes refused because the poll holds as many as it may",
          Value(metrics.paper_full));
  counter("tallyd_paper_online_after_total",
          "Online tries of people whose ballot on paper counts, listed for the clerks",
          Value(metrics.paper_online_after));
}

void AddFraud(const EngineMetrics& metrics, Families& families) {
  const auto counter = CounterAdder(families);
  counter("tallyd_fraud_groups_total", "Bursts of ballots that were flagged",
          Value(metrics.fraud_groups));
  counter("tallyd_fraud_decisions_total", "Decisions on groups of flagged ballots",
          Value(metrics.fraud_decisions));
  counter("tallyd_fraud_not_flagged_total",
          "Ballots of a burst that were not flagged because the groups hold as many as they may",
          Value(metrics.fraud_not_flagged));
  counter("tallyd_fraud_not_watched_total",
          "Ballots that the burst rules had no place to remember, or not for their whole window",
          Value(metrics.fraud_not_watched));
  AddValue(AddFamily("tallyd_fraud_voters", "Voters in groups of flagged ballots",
                     MetricType::Gauge, families),
           Value(metrics.fraud_voters));
}

void AddEngine(const Engine& engine, Families& families) {
  const EngineMetrics& metrics = engine.metrics();
  MetricFamily& votes = AddFamily("tallyd_votes_total", "Votes by what became of them",
                                  MetricType::Counter, families);
  AddValue(votes, Value(metrics.votes_counted_online),
           {{"result", "counted"}, {"channel", "online"}});
  AddValue(votes, Value(metrics.votes_counted_paper),
           {{"result", "counted"}, {"channel", "paper"}});
  AddValue(votes, Value(metrics.votes_duplicate), {{"result", "duplicate"}});
  AddValue(votes, Value(metrics.votes_replaced), {{"result", "replaced"}});
  AddValue(votes, Value(metrics.votes_withdrawn), {{"result", "withdrawn"}});
  AddValue(votes, Value(metrics.votes_refused), {{"result", "rejected"}});

  const auto gauge = [&](const char* name, const char* help, double value) {
    AddValue(AddFamily(name, help, MetricType::Gauge, families), value);
  };
  const auto counter = CounterAdder(families);
  gauge("tallyd_queue_depth", "Commands waiting to be decided",
        static_cast<double>(engine.queue_depth()));
  gauge("tallyd_queue_capacity", "Commands that may wait",
        static_cast<double>(engine.queue_capacity()));
  counter("tallyd_queue_rejected_total", "Commands refused because the queue was full",
          Value(metrics.queue_rejected));
  counter("tallyd_commits_total", "Journal records written", Value(metrics.commits));
  counter("tallyd_commit_bytes_total", "Bytes of journal records", Value(metrics.commit_bytes));
  counter("tallyd_audit_acts_total", "Acts in the audit logs of polls and projects",
          static_cast<double>(engine.acts_count()));
  gauge("tallyd_journal_position", "Position of the newest journal record",
        static_cast<double>(engine.last_position()));
  gauge("tallyd_storage_free_bytes", "Free where the data lies",
        static_cast<double>(engine.storage_free_bytes()));
  gauge("tallyd_storage_full", "1 while votes are refused because too little is free",
        engine.storage_full() ? 1 : 0);
  gauge("tallyd_dedup_memory_bytes", "Memory of the voter index",
        static_cast<double>(engine.dedup_memory_bytes()));
  gauge("tallyd_dedup_voters", "Voters in the voter index",
        static_cast<double>(engine.dedup_voters()));
  counter("tallyd_dedup_polls_dropped_total", "Polls whose voters were dropped from memory",
          Value(metrics.dedup_polls_dropped));
  counter("tallyd_ballot_store_reads_total", "Look-ups that memory could not answer",
          Value(metrics.ballot_store_reads));
  gauge("tallyd_ideas_pending", "Ideas that wait for a moderator", Value(metrics.ideas_pending));
  gauge("tallyd_quota_voters", "Voters with ballots under a quota of a project",
        Value(metrics.quota_voters));
  counter("tallyd_snapshots_published_total", "Rankings published",
          Value(metrics.snapshots_published));
  constexpr double kMicrosecond = 1e-6;
  AddHistogram("tallyd_commit_duration_seconds", "Sealing and syncing one record",
               metrics.commit_duration_us, kMicrosecond, families);
  AddHistogram("tallyd_commit_batch_votes", "Ballots in one record", metrics.commit_ballots, 1,
               families);
  AddHistogram("tallyd_snapshot_build_seconds", "Making one ranking", metrics.snapshot_build_us,
               kMicrosecond, families);
}

using CounterMember = Counter HttpMetrics::*;

double Sum(const MetricsSources& sources, CounterMember member) {
  std::uint64_t sum = 0;
  for (const auto& thread : sources.http.io_threads()) sum += (thread->metrics().*member).value();
  return static_cast<double>(sum);
}

void AddRequests(const MetricsSources& sources, Families& families) {
  MetricFamily& requests =
      AddFamily("tallyd_http_requests_total", "Answered requests by route and class of status",
                MetricType::Counter, families);
  const auto& routes = sources.router.routes();
  for (std::size_t index = 0; index <= routes.size(); ++index) {
    const bool known = index < routes.size();
    for (std::size_t status = 1; status <= 5; ++status) {
      std::uint64_t sum = 0;
      for (const auto& thread : sources.http.io_threads()) {
        sum += thread->metrics().routes[index].by_status_class[status].value();
      }
      if (sum == 0) continue;
      AddValue(requests, static_cast<double>(sum),
               {{"route", known ? routes[index]->pattern : "none"},
                {"method", known ? std::string(MethodName(routes[index]->method)) : "none"},
                {"code", std::to_string(status) + "xx"}});
    }
  }
}

void AddLive(const MetricsSources& sources, Families& families) {
  MetricFamily& readers =
      AddFamily("tallyd_live_readers", "Readers that follow rankings by streams", MetricType::Gauge,
                families);
  AddValue(readers, Sum(sources, &HttpMetrics::live_readers_events), {{"kind", "sse"}});
  AddValue(readers, Sum(sources, &HttpMetrics::live_readers_web_socket), {{"kind", "websocket"}});
  AddValue(AddFamily("tallyd_live_messages_total", "Versions sent to them", MetricType::Counter,
                     families),
           Sum(sources, &HttpMetrics::live_messages));
  MetricFamily& ended = AddFamily("tallyd_live_rejected_total", "Streams refused or closed",
                                  MetricType::Counter, families);
  AddValue(ended, Sum(sources, &HttpMetrics::live_refused_full), {{"reason", "full"}});
  AddValue(ended, Sum(sources, &HttpMetrics::live_refused_network), {{"reason", "network"}});
  AddValue(ended, Sum(sources, &HttpMetrics::live_closed_slow), {{"reason", "slow"}});
}

void AddTls(const MetricsSources& sources, Families& families) {
  AddValue(
      AddFamily("tallyd_tls_connections", "Open connections over TLS", MetricType::Gauge, families),
      Sum(sources, &HttpMetrics::tls_connections));
  MetricFamily& handshakes =
      AddFamily("tallyd_tls_handshakes_total", "TLS handshakes by how they ended",
                MetricType::Counter, families);
  AddValue(handshakes, Sum(sources, &HttpMetrics::tls_handshakes_done), {{"result", "done"}});
  AddValue(handshakes, Sum(sources, &HttpMetrics::tls_handshakes_refused), {{"result", "refused"}});
  AddValue(handshakes, Sum(sources, &HttpMetrics::tls_handshakes_gone), {{"result", "gone"}});
  AddValue(handshakes, Sum(sources, &HttpMetrics::tls_handshakes_late), {{"result", "late"}});
  AddValue(handshakes, Sum(sources, &HttpMetrics::tls_handshakes_over_budget),
           {{"result", "over_budget"}});
  MetricFamily& ends =
      AddFamily("tallyd_tls_certificate_end_seconds", "When the certificate of a listener ends",
                MetricType::Gauge, families);
  for (const auto& [name, kind] :
       {std::pair("public", ListenerKind::kPublic), std::pair("private", ListenerKind::kPrivate)}) {
    const std::int64_t end_s = sources.http.certificate_ends_s(kind);
    if (end_s != 0) AddValue(ends, static_cast<double>(end_s), {{"listener", name}});
  }
}

void AddHttp(const MetricsSources& sources, Families& families) {
  AddRequests(sources, families);
  AddValue(AddFamily("tallyd_http_connections", "Open connections", MetricType::Gauge, families),
           Sum(sources, &HttpMetrics::connections_open));
  std::size_t waiting = 0;
  for (const auto& feed : sources.feeds) waiting += feed->waiting();
  AddValue(AddFamily("tallyd_ranking_waiters", "Readers waiting for a newer ranking",
                     MetricType::Gauge, families),
           static_cast<double>(waiting));
  AddLive(sources, families);
  const auto counter = [&](const char* name, const char* help, CounterMember member) {
    AddValue(AddFamily(name, help, MetricType::Counter, families), Sum(sources, member));
  };
  counter("tallyd_http_connections_opened_total", "Connections accepted",
          &HttpMetrics::connections_opened);
  counter("tallyd_http_received_bytes_total", "Bytes read", &HttpMetrics::bytes_received);
  counter("tallyd_http_sent_bytes_total", "Bytes written", &HttpMetrics::bytes_sent);
  counter("tallyd_http_answers_after_close_total", "Answers whose client had left",
          &HttpMetrics::answers_after_close);
  counter("tallyd_audit_refused_total", "Readers of audit logs refused: as many wait as may",
          &HttpMetrics::audit_readers_refused);
  MetricFamily& rejected = AddFamily("tallyd_http_rejected_total", "Requests and connections ended",
                                     MetricType::Counter, families);
  const std::pair<const char*, CounterMember> reasons[] = {
      {"guard", &HttpMetrics::rejected_by_guard},
      {"connections", &HttpMetrics::rejected_connections},
      {"network_connections", &HttpMetrics::rejected_network_connections},
      {"accept_error", &HttpMetrics::accept_errors},
      {"no_descriptors", &HttpMetrics::accept_out_of_descriptors},
      {"idle_timeout", &HttpMetrics::timeouts_idle},
      {"header_timeout", &HttpMetrics::timeouts_header},
      {"body_timeout", &HttpMetrics::timeouts_body},
      {"write_timeout", &HttpMetrics::timeouts_write},
      {"lost_answer", &HttpMetrics::responder_dropped}};
  for (const auto& [reason, member] : reasons) {
    AddValue(rejected, Sum(sources, member), {{"reason", reason}});
  }
}

void AddTokens(const Authenticator& auth, Families& families) {
  MetricFamily& tokens =
      AddFamily("tallyd_token_verifications_total", "Tokens and API keys by what became of them",
                MetricType::Counter, families);
  const std::pair<const char*, TokenResult> results[] = {{"verified", TokenResult::kVerified},
                                                         {"cached", TokenResult::kCached},
                                                         {"api_key", TokenResult::kApiKey},
                                                         {"refused", TokenResult::kRefused},
                                                         {"put_off", TokenResult::kPutOff}};
  for (const auto& [name, result] : results) {
    AddValue(tokens, static_cast<double>(auth.tokens(result)), {{"result", name}});
  }
}

void AddBudgets(const ClientBudgets& budgets, Families& families) {
  MetricFamily& refused = AddFamily("tallyd_client_refusals_total",
                                    "Requests and TLS handshakes of clients whose budget was spent",
                                    MetricType::Counter, families);
  for (const BudgetKind kind : {BudgetKind::kAddress, BudgetKind::kToken, BudgetKind::kFrontend,
                                BudgetKind::kRefusedToken, BudgetKind::kHandshake}) {
    AddValue(refused, static_cast<double>(budgets.refused(kind)),
             {{"budget", std::string(BudgetName(kind))}});
  }
  AddValue(AddFamily("tallyd_client_places", "Clients that the table of budgets can hold",
                     MetricType::Gauge, families),
           static_cast<double>(budgets.places()));
  AddValue(AddFamily("tallyd_clients_forgotten_total",
                     "Clients forgotten while still paying back, because the table was full",
                     MetricType::Counter, families),
           static_cast<double>(budgets.forgotten()));
}

void AddAnalysis(const AnalysisThread& analysis, Families& families) {
  AddValue(AddFamily("tallyd_analysis_waiting", "Exports and recounts waiting for their turn",
                     MetricType::Gauge, families),
           static_cast<double>(analysis.waiting()));
  AddValue(AddFamily("tallyd_analysis_total", "Exports and recounts answered", MetricType::Counter,
                     families),
           static_cast<double>(analysis.done()));
  AddValue(AddFamily("tallyd_analysis_refused_total", "Exports and recounts refused: too many wait",
                     MetricType::Counter, families),
           static_cast<double>(analysis.refused()));
}

}  // namespace

std::string MetricsText(const MetricsSources& sources, const std::string& version) {
  Families families;
  AddValue(AddFamily("tallyd_build_info", "What runs here", MetricType::Gauge, families), 1,
           {{"version", version}, {"boost", BOOST_LIB_VERSION}});
  AddEngine(sources.engine, families);
  AddPaper(sources.engine.metrics(), families);
  AddFraud(sources.engine.metrics(), families);
  AddHttp(sources, families);
  AddTls(sources, families);
  AddAnalysis(sources.analysis, families);
  AddTokens(sources.auth, families);
  AddBudgets(sources.budgets, families);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace tallyd
